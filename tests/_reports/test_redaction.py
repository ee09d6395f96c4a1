import base64
import sys
import sysconfig
from pathlib import Path

import pytest

from eumlib._common.files import DATA_FOLDER
from eumlib._reports.redaction import redactor

ROOT = DATA_FOLDER.parent


@pytest.fixture
def redact(tmp_path, monkeypatch):
    """For a user quentina, with her own home and cache, in a folder of hers."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "/home/quentina")
    monkeypatch.setenv("EUMLIB_HOME", "/home/quentina/.cache/eumlib")
    monkeypatch.chdir(tmp_path)
    return redactor()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in /home/quentina/faces/Ada", "in ~/faces/Ada"),
        ("'/home/quentina'", "'~'"),
        ("/home/quentina/.cache/eumlib/files/x.whl", "cache/files/x.whl"),
        ("File ~/.cache/eumlib/files/x.py:3", "File cache/files/x.py:3"),
        ("file:///home/quentina/x", "~/x"),
        ("\x1b[32m/home/quentina/x.py:3\x1b[39m", "\x1b[32m~/x.py:3\x1b[39m"),
        ("/home/otto/x and /Users/otto/y", "~/x and ~/y"),
        (r"C:\Users\otto\x", r"~\x"),
        (f"{ROOT}/eumlib/files.py:3", "eumlib/files.py:3"),
        (f"{ROOT}: no", ".: no"),
        (f"{sysconfig.get_paths()['purelib']}/torch/nn.py", "site-packages/torch/nn.py"),
        (f"{sys.prefix}/bin/python", "environment/bin/python"),
        ("</home/> https://a.org/home/x 3/4", "</home/> https://a.org/home/x 3/4"),
    ],
)
def test_folders_of_this_machine_get_short_names(redact, text, expected):
    assert redact(text) == expected


def test_a_folder_whose_name_goes_on_is_another_one(redact):
    assert redact("/home/quentina2/x") == "~/x"  # someone's home, and not hers with a 2
    assert redact(f"{ROOT}2/x").endswith(f"{ROOT.name}2/x")


def test_the_current_folder_and_temporary_files_are_named_without_their_path(redact, tmp_path):
    assert redact(f"{tmp_path}/faces") == "faces"
    outside = tmp_path.parent / "other"
    assert str(outside.parent) not in redact(str(outside))


def test_pictures_stay_what_they_are(redact):
    picture = base64.b64encode(bytes(range(256)) * 42).decode() + "/home/quentina/AAAA"
    assert redact(picture) == picture


def test_it_goes_through_lists_and_mappings_and_leaves_numbers(redact):
    given = {"a": ["/home/quentina/x", 3, None], "b": {"c": "/home/quentina"}}
    assert redact(given) == {"a": ["~/x", 3, None], "b": {"c": "~"}}


def test_no_name_replaces_the_whole_disk(redact, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert Path.home() == Path("/")
    assert redactor()("/etc/x") == "/etc/x"


def test_of_a_path_that_a_parameter_names_the_last_part_is_left(monkeypatch):
    monkeypatch.setenv("EUMLIB_LFW", "/mnt/quentina/lfw.tgz")
    redact = redactor({"face_set": "/mnt/quentina/faces", "out": "faces/mine", "seed": 3})
    assert redact("no /mnt/quentina/faces/Ada/1.jpg") == "no faces/Ada/1.jpg"
    assert redact("face_set = '/mnt/quentina/faces'") == "face_set = 'faces'"
    assert redact("/mnt/quentina/faces2") == "/mnt/quentina/faces2"
    assert redact("/mnt/quentina/lfw.tgz is no archive") == "lfw.tgz is no archive"
    assert redact("faces/mine") == "faces/mine"
