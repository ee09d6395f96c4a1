"""Every command, given every kind of bad path and bad file, ends in a line that says what is wrong.

A case is a command in which one path is bad and all others are good. It must end by itself, with
exit code 1 and a line, or with 2 and how the command is used, and leave nothing behind.
"""

import ctypes
import faulthandler
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from builders import drawn_table
from small_notebooks import write_notebook
from small_onnx import write as write_onnx

from eumlib._reports import notebooks as workbook
from eumlib.embeddings import write_table
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker

resource = pytest.importorskip("resource", reason="limits of POSIX")

SECONDS = 20  # a command that takes longer hangs
MEMORY = 2_000_000_000  # bytes that one may take on top
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2
CAPABILITIES = ctypes.c_uint32 * 6
ROW = {"system": "EUM", "eer": 0.1, "eer_low": 0.09, "eer_high": 0.11}

# What a command reads: the words before the bad path, its suffix, and the words after it.
READ = {
    "embed --faces": ("embed --faces", "", "--out {new}.parquet"),
    "embed --root": ("embed --faces mfr2 --root", "", "--out {new}.parquet"),
    "embed --replay": ("embed --faces {faces} --replay", ".txt", "--out {new}.parquet"),
    "embed --backbone, ONNX": (
        "embed --faces {faces} --backbone", ".onnx", "--out {new}.parquet",
    ),
    "embed --backbone, a rival": (
        "embed --faces {faces} --backbone", ".safetensors", "--out {new}.parquet",
    ),
    "features --faces": ("features --faces", "", "--out {new}.arrow"),
    "pairs --faces": ("pairs --faces", "", "--out {new}.txt"),
    "train --table": ("train --epochs 1 --table", ".parquet", "--out {new}.safetensors"),
    "train --features": (
        "train --rival from --steps 3 --features", ".arrow", "--out {new}.safetensors",
    ),
    "train --checkpoint": (
        "train --epochs 1 --table {table} --checkpoint", ".ckpt", "--out {new}.safetensors",
    ),
    "evaluate --table": ("evaluate --resamples 2 --table", ".parquet", ""),
    "evaluate --pairs": ("evaluate --resamples 2 --table {table} --pairs", ".txt", ""),
    "evaluate --model": ("evaluate --resamples 2 --table {table} --model", ".safetensors", ""),
    "evaluate --gate": ("evaluate --resamples 2 --table {table} --gate", ".safetensors", ""),
    "unmask --table": ("unmask --model {model} --table", ".parquet", "--out {new}.parquet"),
    "unmask --model": ("unmask --table {table} --model", ".safetensors", "--out {new}.parquet"),
    "unmask --gate": (
        "unmask --table {table} --model {model} --gate", ".safetensors", "--out {new}.parquet",
    ),
    "explore --table": (
        "explore --faces {faces} --model {model} --table", ".parquet", "--out {new}.html",
    ),
    "explore --model": (
        "explore --faces {faces} --table {table} --model", ".safetensors", "--out {new}.html",
    ),
    "explore --faces": (
        "explore --model {model} --table {table} --faces", "", "--out {new}.html",
    ),
    "report --parameters": ("report --out {new} --parameters", ".yml", ""),
    "report -p face_set": ("report --dry-run --out {new} -p face_set={bad}", None, ""),
    "compare A": ("compare", ".json", "{results}"),
    "compare B": ("compare {results}", "", ""),
    "readme --run": ("readme --path {readme} --page {page} --results {new}.json --run", "", ""),
    "readme --study": (
        "readme --path {readme} --page {page} --results {new}.json --run {report} --study",
        ".json", "",
    ),
    "readme --rivals": (
        "readme --path {readme} --page {page} --results {new}.json --run {report} --rivals",
        ".json", "",
    ),
    "readme --path": ("readme --page {page} --results {new}.json --run {report} --path", ".md", ""),
    "study": ("study --results {new}.json --models {new} --people {new}.safetensors", "", ""),
    "rivals": ("rivals --root {faces} --results {new}.json --work {new}", "", ""),
    "rivals --root": ("rivals {faces} --results {new}.json --work {new} --root", "", ""),
    "fetch": ("fetch", ".whl", ""),
}  # fmt: skip
KINDS = (
    "missing", "folder", "pipe", "device", "empty", "text", "noise", "truncated", "unreadable",
    "name too long", "below a file", "link to itself",
)  # fmt: skip
# What each is a good example of, for truncated ones.
GOOD = {
    ".parquet": "table", ".safetensors": "model", ".onnx": "onnx", ".json": "results",
    ".txt": "pairs", ".yml": "yaml", ".md": "readme", ".arrow": "table", ".ckpt": "model",
}  # fmt: skip
# A bad path that is a good one there: what the command takes it for.
RIGHT = {
    ("train --checkpoint", "missing"): "a new file",
    ("train --checkpoint", "link to itself"): "a new file, which takes the place of the link",
    ("report -p face_set", "folder"): "a folder of people",
}

# To be mended where photographs and pairs are read.
WRITE = {
    "embed --out": ("embed --faces {faces} --out", ".parquet"),
    "features --out": ("features --faces {faces} --out", ".arrow"),
    "pairs --out": ("pairs --faces {faces} --mated 3 --non-mated 3 --out", ".txt"),
    "train --out": ("train --epochs 1 --table {table} --out", ".safetensors"),
    "train --rival --out": (
        "train --rival my_eyes --epochs 1 --table {table} --out", ".safetensors",
    ),
    "train --checkpoint": (
        "train --epochs 1 --table {table} --out {new}.safetensors --checkpoint", ".ckpt",
    ),
    "evaluate --json": ("evaluate --resamples 2 --table {table} --json", ".json"),
    "evaluate --csv": ("evaluate --resamples 2 --table {table} --csv", ".csv"),
    "evaluate --report": ("evaluate --resamples 2 --table {table} --report", ".html"),
    "unmask --out": ("unmask --table {table} --model {model} --out", ".parquet"),
    "explore --out": (
        "explore --faces {faces} --table {table} --model {model} --out", ".html",
    ),
    "report --out": ("report --only 01 --out", ""),
    "readme --results": ("readme --path {readme} --page {page} --run {report} --results", ".json"),
    "student --out": ("student --out", ""),
    "study --results": ("study {faces} --models {new} --people {new}.safetensors --results", ".j"),
    "rivals --work": ("rivals {faces} --root {faces} --results {new}.json --work", ""),
}  # fmt: skip
PLACES = ("folder", "pipe", "device", "read-only", "name too long", "below a file", "full")
FOLDERS = ("report --out", "student --out", "rivals --work")


@pytest.fixture(scope="module")
def good(tmp_path_factory, people):
    """Good files by name, where another user of the machine may read them."""
    folder = tmp_path_factory.mktemp("good")
    paths = {name: folder / file for name, file in (
        ("table", "t.parquet"), ("model", "m.safetensors"), ("onnx", "r.onnx"),
        ("results", "r.json"), ("pairs", "p.txt"), ("yaml", "p.yml"), ("readme", "README.md"),
        ("page", "RESULTS.md"),
        ("report", "report"),
    )}  # fmt: skip
    write_table(drawn_table(people=40), paths["table"])
    Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser").save(paths["model"])
    write_onnx(paths["onnx"])
    paths["results"].write_text(json.dumps({"systems": [ROW]}))
    paths["pairs"].write_text("1\t1\np1\t0\t1\np1\t0\tp2\t0\n")
    paths["yaml"].write_text("people: 3\nface_set: orl\n")
    for name in ("readme", "page"):
        shutil.copy(Path(__file__).parent.parent / paths[name].name, paths[name])
    paths["report"].mkdir()
    shutil.copy(
        Path(__file__).parent.parent / "data/results.json", paths["report"] / "manifest.json"
    )
    return paths | {"faces": people}


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    folder = tmp_path / "workbook"
    folder.mkdir()
    write_notebook(folder, "01_first", cells=[("1 + 1",)])
    monkeypatch.setattr(workbook.discover, "__defaults__", (folder,))


@pytest.fixture
def in_time():
    """Raises where a command hangs, or takes memory without end."""

    def hung(*_):
        raise HungError

    before = signal.signal(signal.SIGALRM, hung)
    most = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc").is_dir() else 0
    if pages:
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, most[1]))
    signal.alarm(SECONDS)
    faulthandler.dump_traceback_later(
        2 * SECONDS, exit=True, file=sys.__stderr__
    )  # where no signal is heard
    yield
    faulthandler.cancel_dump_traceback_later()
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    resource.setrlimit(resource.RLIMIT_AS, most)


class HungError(BaseException):
    """Not one that a command could take for its own."""


def case(role, kind):
    return pytest.param(role, kind, id=f"{role}: {kind}")


def bad_path(kind, folder, suffix, good):
    path = folder / f"bad{suffix}"
    match kind:
        case "folder":
            (path / "within").mkdir(parents=True)
        case "pipe":
            os.mkfifo(path)
        case "device":
            return Path("/dev/zero")
        case "empty":
            path.touch()
        case "text":
            path.write_text("once upon a time\n" * 40)
        case "noise":
            path.write_bytes(np.random.default_rng(0).bytes(5000))
        case "truncated":
            whole = good[GOOD.get(suffix, "table")].read_bytes()
            path.write_bytes(whole[: len(whole) // 4])
        case "unreadable":
            path.write_text("secret")
            path.chmod(0)
        case "name too long":
            return folder / f"{'long' * 100}{suffix}"
        case "below a file":
            (folder / "file").touch()
            return folder / f"file/bad{suffix}"
        case "link to itself":
            path.symlink_to(path)
        case "read-only":
            (folder / "locked").mkdir(mode=0o555)
            return folder / f"locked/bad{suffix}"
    return path


@contextmanager
def rights_that_count():
    """Let permissions bind root, too, as they bind all others: without two of its capabilities."""
    if os.geteuid():
        yield
        return
    libc, header, held = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), CAPABILITIES()
    libc.capget(header, held)
    before = held[0]
    held[0] &= ~(DAC_OVERRIDE | DAC_READ_SEARCH)
    assert libc.capset(header, held) == 0
    try:
        yield
    finally:
        held[0] = before
        libc.capset(header, held)


@contextmanager
def full_disk():
    """No file can grow over fifty bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def filled(words, good, folder, **more):
    known = {name: str(path) for name, path in good.items()}
    return [word.format(**known, new=folder / "new", **more) for word in words.split()]


def assert_ends_in_a_line(ended, path):
    code, printed, told = ended
    assert "Traceback" not in printed + told
    assert code in (1, 2), (printed, told)
    assert "memory" not in told
    assert "no package" not in told
    if code == 1:
        assert told.startswith("error: "), told
        lines = [line for line in told.splitlines() if not line.startswith("Another process")]
        assert len(lines) == 1, told
        assert len(told) < 1500, told


def leftovers(folder):
    return [path for path in folder.rglob(".*") if "eumlib" in path.name]


@pytest.mark.parametrize(("role", "kind"), [case(role, kind) for role in READ for kind in KINDS])
def test_what_is_read_and_bad_is_named_in_a_line(
    role, kind, run, good, notebooks, tmp_path, in_time, own_outputs
):
    before, suffix, after = READ[role]
    path = bad_path(kind, tmp_path, suffix or "", good)
    words = filled(before, good, tmp_path, bad=path)
    words += ([] if suffix is None else [path]) + filled(after, good, tmp_path)
    if kind == "unreadable":
        with rights_that_count():
            ended = run(*words)
    else:
        ended = run(*words)
    if (role, kind) in RIGHT:
        assert ended[0] == 0, ended
        return
    assert_ends_in_a_line(ended, path)
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", WRITE)
def test_what_cannot_be_written_is_named_in_a_line(
    role, place, run, good, notebooks, tmp_path, in_time, own_outputs
):
    before, suffix = WRITE[role]
    if place == "folder" and role in FOLDERS:
        pytest.skip("a folder is what it wants")
    if (role, place) == ("explore --out", "full"):
        pytest.skip("UMAP takes its time, and the page is written as all others are")
    path = bad_path("missing" if place == "full" else place, tmp_path, suffix, good)
    words = [*filled(before, good, tmp_path), path]
    if place == "full":
        with full_disk():
            ended = run(*words)
    elif place == "read-only":
        with rights_that_count():
            ended = run(*words)
    else:
        ended = run(*words)
    assert_ends_in_a_line(ended, path)
    if place == "name too long":
        assert "is too long a name" in ended[2]
    elif place != "full" and ended[0] == 1:
        assert path.name in ended[2] or path.parent.name in ended[2]
    assert not leftovers(tmp_path)
    assert Path("/dev/zero").is_char_device()


@pytest.fixture
def own_outputs(tmp_path, monkeypatch):
    """A cache of one's own, but for the files that are fetched, and an empty folder to work in."""
    shared = Path(os.environ.get("EUMLIB_HOME") or "~/.cache/eumlib").expanduser()
    (tmp_path / "home").mkdir()
    if (shared / "files").is_dir():
        (tmp_path / "home" / "files").symlink_to(shared / "files")
    monkeypatch.setenv("EUMLIB_HOME", str(tmp_path / "home"))


def test_as_a_program_of_its_own_it_is_the_same(good, tmp_path):
    """What the shell sees: the code, one line, and nothing of Python's."""
    for words in (
        ("evaluate", "--table", tmp_path / "none.parquet"),
        ("report", "--out", good["table"]),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "eumlib", *map(str, words)],
            capture_output=True, text=True, timeout=6 * SECONDS,
        )  # fmt: skip
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.count("\n") == 1
        assert ended.stderr.startswith("error: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_printed_is_named_in_a_line():
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "eumlib", "fetch"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=6 * SECONDS,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: standard output: its disk is full")
    assert ended.stderr.count("\n") == 1
