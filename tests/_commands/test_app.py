"""Commands that are stopped say what is kept, and leave nothing running or half written."""

import os
import signal
import subprocess
import sys
import time

import pytest
from small_notebooks import write_notebook

from eumlib._commands.app import app
from eumlib._commands.models import train

SLEEPING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from pathlib import Path
from eumlib import __main__ as command_line
from eumlib._reports import notebooks
notebooks.discover.__defaults__ = (Path(sys.argv.pop(1)),)
command_line.main()
"""


def report_that_sleeps(folder):
    """A report under way, its second notebook asleep."""
    (folder / "workbook").mkdir()
    write_notebook(folder / "workbook", "01_first", cells=[("1 + 1",)])
    asleep = "import pathlib, os, time\npathlib.Path('asleep').write_text(str(os.getpid()))\n"
    write_notebook(folder / "workbook", "02_sleep", cells=[(f"{asleep}time.sleep(60)",)])
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPING, folder / "workbook", "report", "--out", "out"],
        cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
    )  # fmt: skip
    for _ in range(1200):
        if (folder / "asleep").exists() and (folder / "asleep").read_text():
            return process, int((folder / "asleep").read_text())
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate())


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_report_says_that_it_goes_on_and_does(tmp_path, stop, code):
    (tmp_path / "tmp").mkdir()
    process, kernel = report_that_sleeps(tmp_path)
    process.send_signal(stop)
    printed, told = process.communicate(timeout=300)
    assert process.returncode == code
    assert told.strip() == "stopped; the same command goes on from here"
    assert "1/2 01_first" in printed
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
    assert not list(tmp_path.rglob(".eumlib-*"))
    assert (tmp_path / "out" / "notebooks" / "01_first.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_a_killed_report_leaves_is_swept_by_the_next(tmp_path):
    (tmp_path / "tmp").mkdir()
    process, kernel = report_that_sleeps(tmp_path)
    left = list((tmp_path / "tmp").glob(".eumlib-*"))
    assert left
    process.kill()
    process.communicate(timeout=300)
    write_notebook(tmp_path / "workbook", "02_sleep", cells=[("2 + 2",)])
    ended = subprocess.run(
        [sys.executable, "-c", SLEEPING, tmp_path / "workbook", "report", "--out", "out"],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "1/2 01_first: kept" in ended.stdout
    assert not list(tmp_path.rglob(".eumlib-*"))
    with pytest.raises(ProcessLookupError):  # it has seen that its parent is gone
        os.kill(kernel, 0)


@pytest.mark.parametrize(
    ("command", "said"),
    [("embed", "goes on from here"), ("train", "--checkpoint FILE"), ("evaluate", "begins anew")],
)
def test_a_stopped_command_says_what_is_kept(run, monkeypatch, tmp_path, command, said):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("eumlib._commands.faces.try_to_write", stop)
    monkeypatch.setattr("eumlib._commands.models.try_to_write", stop)
    given = {
        "embed": ("--faces", "orl", "--out", tmp_path / "t"),
        "train": ("--out", tmp_path / "m"),
        "evaluate": ("--table", tmp_path / "t"),
    }
    code, _, told = run(command, *given[command])
    assert code == 130
    assert told.startswith("\nstopped; ")
    assert said in told


def test_the_commands_are_there_by_their_names():
    assert train in {command.callback for command in app.registered_commands}
