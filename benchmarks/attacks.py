"""Damaged files and killed commands, and what became of them: ``make fuzz``.

``python benchmarks/attacks.py --out benchmarks/results/attacks.md``
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from PIL import Image
from publishing import markdown_table, publish

from eumlib._common.errors import EumlibError
from eumlib._common.files import DATA_FOLDER
from eumlib._common.tensors import read_tensors
from eumlib._reports.parameters import read_parameters
from eumlib.embeddings import PeopleOfNobody, read_table, write_table
from eumlib.faces import (
    PictureAccessError,
    UnreadablePictureError,
    load_faces,
    read_picture,
)

HANGS = 5  # seconds, for files of some kilobytes
MODEL = DATA_FOLDER / "models" / "nobody_workbook_srt.safetensors"
PARAMETERS = "face_set: orl\npeople: 12\nseed: 3\nepochs: 2\nlearning_rate: 0.1\n"
RIGHT, DECODED, REFUSED = "right", "decoded", "refused in a line"
TRACEBACK, HANG, WRONG = "traceback", "hang", "silent wrong"
OUTCOMES = (RIGHT, DECODED, REFUSED, TRACEBACK, HANG, WRONG)


@dataclass(frozen=True)
class Kind:
    """A kind of file: whole ones, how they are read, and whether two readings are the same."""

    name: str
    whole: dict[str, bytes]
    read: Callable[[Path], object]
    same: Callable[[object, object], bool] | None  # None where damage cannot be told


def kinds() -> list[Kind]:
    """Pictures, tables, weights and parameters."""
    return [
        Kind("pictures", _pictures(), read_picture, None),
        Kind("tables (Parquet)", {"t.parquet": _table()}, read_table, _same_tables),
        Kind("weights (safetensors)", {"m.safetensors": MODEL.read_bytes()}, read_tensors,
             _same_tensors),
        Kind("parameters (YAML)", {"p.yaml": PARAMETERS.encode()}, read_parameters, None),
    ]  # fmt: skip


def _pictures() -> dict[str, bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    picture = Image.fromarray(pixels).resize((100, 120))
    made = {}
    for form in ("jpeg", "png", "tiff", "bmp", "webp", "gif", "ppm"):
        stream = io.BytesIO()
        picture.save(stream, form)
        made[f"p.{form}"] = stream.getvalue()
    return made


def _table() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        write_table(PeopleOfNobody.load().draw(20, seed=0), path)
        return path.read_bytes()


def _same_tables(one: object, other: object) -> bool:
    return (
        one.rows.equals(other.rows)
        and one.failures.equals(other.failures)
        and np.array_equal(one.vectors, other.vectors)
    )


def _same_tensors(one: object, other: object) -> bool:
    return one[1] == other[1] and all(
        np.array_equal(value.numpy(), other[0][name].numpy()) for name, value in one[0].items()
    )


def damaged(whole: bytes, dice: random.Random) -> bytes:
    """One of five kinds of damage: bits, bytes, a hole, a piece missing, a piece twice."""
    content = bytearray(whole)
    kind, start = dice.randrange(5), dice.randrange(len(content))
    length = dice.randrange(1, max(2, len(content) // 4))
    if kind == 0:
        for _ in range(dice.choice((1, 1, 8))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    elif kind == 1:
        content[start : start + 16] = dice.randbytes(16)
    elif kind == 2:
        content[start : start + length] = bytes(length)
    elif kind == 3:
        del content[start : start + length]
    else:
        target = dice.randrange(len(content))
        content[target:target] = content[start : start + length]
    return bytes(content)


def outcome_of(kind: Kind, name: str, content: bytes, folder: Path) -> tuple[str, str]:
    """What reading a damaged file comes to, and what is to be told of it."""
    path = folder / name
    path.write_bytes(content)
    start = time.monotonic()
    try:
        found = kind.read(path)
    except (EumlibError, UnreadablePictureError) as error:
        if isinstance(error, PictureAccessError) or "\n" in str(error):
            return TRACEBACK, f"{name}: {error!r}"
        outcome = REFUSED
    except Exception as error:
        return TRACEBACK, f"{name}: {type(error).__name__}: {error}"
    else:
        if kind.same is None:
            outcome = DECODED
        else:
            path.write_bytes(kind.whole[name])
            outcome = RIGHT if kind.same(found, kind.read(path)) else WRONG
    if time.monotonic() - start > HANGS:
        outcome = HANG
    return outcome, f"{name}: {outcome}"


def fuzz(files: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """So many damaged files of each kind: outcomes, and what must not be."""
    rows, bad = [], []
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds():
            dice, counts = random.Random(f"{seed} {kind.name}"), Counter()
            for _ in range(files):
                name = dice.choice(sorted(kind.whole))
                outcome, told = outcome_of(
                    kind, name, damaged(kind.whole[name], dice), Path(folder)
                )
                counts[outcome] += 1
                if outcome in (TRACEBACK, HANG, WRONG):
                    bad.append(f"{kind.name}: {told}")
            rows.append({"damaged files": kind.name, "tried": files} | {
                outcome: counts[outcome] for outcome in OUTCOMES
            })  # fmt: skip
    return pd.DataFrame(rows), bad


@dataclass(frozen=True)
class Command:
    """A command that is killed: its arguments behind ``python -m eumlib``, and what it writes."""

    name: str
    arguments: Callable[[Path], list[str]]
    out: str
    same: Callable[[Path, Path], bool]


def people_in(folder: Path) -> Path:
    """Photographs of a few people of ORL."""
    for face in load_faces("orl").first_people(6):
        path = folder / face.identity / f"{face.image_id.rpartition('/')[2]}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face.read()).save(path)
    return folder


def commands(people: Path, table: Path) -> list[Command]:
    """The four that work longest."""
    return [
        Command(
            "embed",
            lambda out: ["embed", "--faces", str(people), "--out", str(out)],
            "t.parquet", lambda a, b: _same_tables(read_table(a), read_table(b)),
        ),
        Command(
            "train",
            lambda out: ["train", "--table", str(table), "--epochs", "3", "--out", str(out),
                         "--checkpoint", str(out.with_name("checkpoint.safetensors"))],
            "m.safetensors", lambda a, b: _same_tensors(read_tensors(a), read_tensors(b)),
        ),
        Command(
            "explore",
            lambda out: ["explore", "--table", str(table), "--model", str(MODEL),
                         "--faces", str(people), "--out", str(out)],
            "e.html", lambda a, b: a.read_bytes() == b.read_bytes(),
        ),
        Command(
            "report",
            lambda out: ["report", "--only", "05", "--out", str(out)],
            "report", lambda a, b: sorted(_names(a)) == sorted(_names(b)),
        ),
    ]  # fmt: skip


def _names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def run_command(arguments: list[str], home: Path, kill_after: float | None) -> float:
    """Run it, killed after so many seconds if it is still running; the seconds it took."""
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "eumlib", *arguments],
        env=os.environ | {"EUMLIB_HOME": str(home), "TQDM_DISABLE": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0,
    )  # fmt: skip
    try:
        process.wait(kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return time.monotonic() - start
    said = process.stderr.read().decode()
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}: {said[-500:]}")
    return time.monotonic() - start


def kill_often(command: Command, kills: int, seed: int, shared_home: Path) -> dict[str, object]:
    """Kill a command at drawn moments, let it end, and look at what it made and left behind."""
    dice = random.Random(f"{seed} {command.name}")
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, disturbed = Path(folder) / "one", Path(folder) / "other"
        for work in (undisturbed, disturbed):
            work.mkdir()
            _fetched_files_of(shared_home, work / "home")
        whole = undisturbed / command.out
        seconds = run_command(command.arguments(whole), undisturbed / "home", None)
        out = disturbed / command.out
        for _ in range(kills):
            moment = dice.uniform(0.2, 1) * seconds
            run_command(command.arguments(out), disturbed / "home", moment)
        run_command(command.arguments(out), disturbed / "home", None)
        left = set(_names(disturbed)) - set(_names(undisturbed))
        return {
            "killed": command.name, "kills": kills,
            "identical": "yes" if command.same(whole, out) else "no",
            "leftovers": len(left), "what": ", ".join(sorted(left)[:3]),
        }  # fmt: skip


def _fetched_files_of(shared: Path, home: Path) -> None:
    """What has been fetched once is not fetched again for each attack."""
    if (shared / "files").is_dir():
        shutil.copytree(shared / "files", home / "files")


def main(
    files: Annotated[int, typer.Option(min=1, help="damaged files of each kind")] = 500,
    kills: Annotated[int, typer.Option(min=0, help="of each command")] = 5,
    seed: Annotated[int, typer.Option(help="of all damage and all moments")] = 0,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Damage files of each kind, kill commands, and count what came of it."""
    from eumlib._common.files import home

    fuzzed, bad = fuzz(files, seed)
    lines = ["# Attacks", "", *markdown_table(fuzzed), ""]
    lines += [
        "*Right*: read as the whole file is. *Decoded*: another picture or other parameters, as "
        "damage that no checksum guards may give. The rest should be 0.",
        "",
    ]
    lines += [f"- {told}" for told in bad[:20]]
    if kills:
        with tempfile.TemporaryDirectory() as folder:
            people, table = people_in(Path(folder) / "people"), Path(folder) / "table.parquet"
            run_command(["embed", "--faces", str(people), "--out", str(table)], home(), None)
            killed = commands(people, table)
            rows = [kill_often(command, kills, seed, home()) for command in killed]
        lines += ["", *markdown_table(pd.DataFrame(rows))]
    publish(lines, out)
    if bad:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
