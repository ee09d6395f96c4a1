import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eumlib._common.errors import EumlibError
from eumlib._common.files import (
    atomic_path,
    home,
    key_of,
    scratch_folder,
    sha256_of,
    sweep_home,
    try_to_write,
    write_text,
)


class InterruptionError(Exception):
    pass


def test_home_follows_the_environment_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "one"))
    assert home() == (tmp_path / "one").resolve()
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "two"))
    assert home() == (tmp_path / "two").resolve()


@pytest.mark.parametrize("unset", [True, False])
def test_home_is_the_platforms_cache_folder_without_the_variable(unset, tmp_path, monkeypatch):
    if unset:
        monkeypatch.delenv("EUMLIB_HOME", raising=False)
    else:
        monkeypatch.setenv("EUMLIB_HOME", "")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    assert home() == (tmp_path / "eumlib").resolve()


def test_a_tilde_in_the_variable_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    for given, meant in (("~/cache", tmp_path / "me/cache"), ("./~", tmp_path / "~")):
        monkeypatch.setenv("EUMLIB_HOME", given)
        assert home() == meant
    monkeypatch.setenv("EUMLIB_HOME", "~nobody-of-this-name/cache")
    with pytest.raises(EumlibError, match="there is no such home"):
        home()


def test_a_home_that_is_a_circle_of_links_is_still_a_path(tmp_path, monkeypatch):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "circle"))
    assert home() == tmp_path / "circle"


def test_atomic_path_writes_a_new_file_in_folders_that_it_makes(tmp_path):
    path = tmp_path / "some" / "folder" / "file.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_atomic_path_shows_the_old_file_until_the_block_ends(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_atomic_path_leaves_the_old_file_and_no_temporary_when_the_block_raises(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise InterruptionError

    with pytest.raises(InterruptionError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_path_leaves_nothing_when_the_block_raises_and_there_was_no_file(tmp_path):
    def write_half():
        with atomic_path(tmp_path / "file.txt") as temporary:
            temporary.write_text("half")
            raise InterruptionError

    with pytest.raises(InterruptionError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_atomic_path_keeps_the_suffix_that_writers_look_at(tmp_path):
    with atomic_path(tmp_path / "array.npy") as temporary:
        np.save(temporary, np.arange(3))
    assert np.load(tmp_path / "array.npy").tolist() == [0, 1, 2]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_atomic_path_gives_the_permissions_that_a_plain_write_gives(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic")]
    assert modes[0] == modes[1]


def test_write_text_writes_utf_8(tmp_path):
    write_text(tmp_path / "text.txt", "Größe: 3×3, η → 0")
    assert (tmp_path / "text.txt").read_bytes() == "Größe: 3×3, η → 0".encode()


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * 5000])
def test_sha256_of_agrees_with_hashlib(content, tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()
    assert sha256_of(str(path)) == hashlib.sha256(content).hexdigest()


def test_key_of_is_sixteen_digits_that_stay_the_same():
    key = key_of("orl", "seed 0")
    assert key == hashlib.sha256(b"orl\nseed 0").hexdigest()[:16]
    assert len(key) == 16


def test_key_of_tells_parts_and_their_order_apart():
    keys = [key_of("a", "b"), key_of("b", "a"), key_of("ab"), key_of("a", "b", ""), key_of("a")]
    assert len(set(keys)) == len(keys)


HOLDS_A_SCRATCH_FOLDER = """
import sys, time
from pathlib import Path
from eumlib._common.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half of the n")
    print("there", flush=True)
    time.sleep(60)
"""


def holding(path):
    """A process that is in the middle of writing the file."""
    command = [sys.executable, "-c", HOLDS_A_SCRATCH_FOLDER, path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "there\n"
    return process


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    killed, alive = holding(tmp_path / "a.txt"), holding(tmp_path / "b.txt")
    killed.kill()
    killed.wait()
    try:
        assert len(list(tmp_path.iterdir())) == 2
        write_text(tmp_path / "c.txt", "whole")
        left = [path for path in tmp_path.iterdir() if path.is_dir()]
        assert [list(folder.glob("b.txt")) != [] for folder in left] == [True]
    finally:
        alive.kill()
        alive.wait()


def test_the_cache_is_swept_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "home"))
    killed = holding(tmp_path / "home" / "files" / "a.whl")
    killed.kill()
    killed.wait()
    (tmp_path / "home" / "kept.txt").write_text("")
    sweep_home()
    assert list((tmp_path / "home" / "files").iterdir()) == []


def test_a_scratch_folder_goes_with_all_that_is_in_it_and_others_stay(tmp_path):
    (tmp_path / ".eumlib-notes").mkdir()
    (tmp_path / ".eumlib-notes" / "mine.txt").write_text("of somebody else: no lock in it")
    with scratch_folder(tmp_path) as folder:
        (folder / "deep" / "er").mkdir(parents=True)
    assert [path.name for path in tmp_path.iterdir()] == [".eumlib-notes"]


def test_a_file_may_have_the_longest_name_that_the_system_takes(tmp_path):
    write_text(tmp_path / ("n" * 251 + ".txt"), "whole")
    with pytest.raises(OSError, match="too long"):
        write_text(tmp_path / ("n" * 252 + ".txt"), "whole")


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_folder_a_pipe_and_a_device_are_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "folder", tmp_path / "pipe", Path("/dev/null")):
        for tried in (lambda path: write_text(path, "x"), try_to_write):
            with pytest.raises(OSError, match=r"folder|pipe|null") as refusal:
                tried(path)
            assert refusal.value.filename == str(path)
    assert Path("/dev/null").is_char_device()
    assert (tmp_path / "pipe").is_fifo()


def test_an_error_of_the_block_has_the_name_of_the_file_and_not_of_the_temporary_one(tmp_path):
    def fill(temporary):
        raise OSError(28, "No space left on device", str(temporary))

    for wrong in (fill, lambda temporary: os.write(99_999, b"x")):
        with pytest.raises(OSError) as failure, atomic_path(tmp_path / "out.csv") as temporary:  # noqa: PT011
            wrong(temporary)
        assert failure.value.filename == str(tmp_path / "out.csv")


def test_trying_to_write_leaves_nothing_and_finds_what_is_in_the_way(tmp_path):
    try_to_write(tmp_path / "a" / "deep" / "folder" / "out.txt", None, tmp_path / "b.txt")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as failure:
        try_to_write(tmp_path / "file" / "out.txt")
    assert failure.value.filename == str(tmp_path / "file" / "out.txt")


def test_home_is_where_a_tilde_points(monkeypatch):
    monkeypatch.setenv("EUMLIB_HOME", "~/some/cache")
    assert home() == (Path.home() / "some" / "cache").resolve()
