import io
import os
import tarfile
import zipfile

import pytest
from small_files import CONTENT, assert_explains, files_in, named, pack, registry_of, serve, tarball

from eumlib._common.fetching import fetch
from eumlib._common.sources import ArchiveMember, FetchError, IndexWheel, WebAddress


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
