import hashlib
import os
import stat

import numpy as np
import pytest

from eumlib._common.errors import EumlibError
from eumlib._common.files import atomic_path, home, key_of, sha256_of, write_text


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
