import hashlib
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sklearn.datasets import _lfw

from eumlib._common.fetching import (
    REGISTRY,
    ArchiveMember,
    FetchError,
    IndexWheel,
    NamedFile,
    WebAddress,
    fetch,
)

CONTENT = b"forty people, ten photographs each\n" * 500


class LoggingHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.paths_asked.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    """A web server of this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(LoggingHandler, directory=str(folder)))
    server.folder = folder
    server.paths_asked = []
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def named(name, content, source):
    return NamedFile(
        name=name,
        about=f"what {name} is about",
        licence="CC0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        source=source,
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


def test_a_member_whose_archive_cannot_be_had_gives_the_archives_error(own_home):
    registry = registry_of(
        named("archive.zip", b"some archive", WebAddress("http://127.0.0.1:9/archive.zip")),
        named("faces.bin", CONTENT, ArchiveMember("archive.zip", "models/faces.bin")),
    )
    with pytest.raises(FetchError) as failure:
        fetch("faces.bin", registry)
    assert_explains(failure.value, "archive.zip", "http://127.0.0.1:9/archive.zip", own_home)


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


def test_an_unknown_name_gives_an_error_that_lists_the_names(own_home):
    registry = registry_of(
        named("one.bin", b"1", WebAddress("http://127.0.0.1:9/1")),
        named("two.bin", b"2", WebAddress("http://127.0.0.1:9/2")),
    )
    with pytest.raises(KeyError, match=r"'three\.bin'.*one\.bin, two\.bin"):
        fetch("three.bin", registry)


def test_the_projects_files_are_what_the_registry_says():
    for name, file in REGISTRY.items():
        assert file.name == name
        assert file.licence
        if not isinstance(file.source, WebAddress):
            assert fetch(name).stat().st_size == file.size


def test_archives_of_the_registry_are_in_the_registry():
    sources = [file.source for file in REGISTRY.values()]
    members = [source for source in sources if isinstance(source, ArchiveMember)]
    assert len(members) >= 3
    assert {source.archive for source in members} <= set(REGISTRY)


@pytest.mark.parametrize(
    ("name", "constant"),
    [("lfw-funneled.tgz", _lfw.FUNNELED_ARCHIVE), ("lfw_pairs.txt", _lfw.TARGETS[2])],
)
def test_lfw_comes_from_where_scikit_learn_takes_it(name, constant):
    file = REGISTRY[name]
    assert file.source == WebAddress(constant.url)
    assert file.sha256 == constant.checksum
