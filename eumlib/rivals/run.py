"""Run the protocol: every system a file, so that it can be stopped after any, and one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from eumlib._common.files import key_of, sha256_of, write_text
from eumlib._common.progress import progress_bar
from eumlib._common.provenance import source_state
from eumlib.rivals.gating import gate_errors, gate_streams, train_the_gate
from eumlib.rivals.protocol import (
    SYSTEMS,
    YARDSTICK,
    Protocol,
    count_of_parameters,
    milliseconds_a_face,
)
from eumlib.study import Material, Size
from eumlib.study.cases import FULL_SIZE
from eumlib.study.judging import JUDGED_RATES, MeanRates
from eumlib.unmasking import FAITHFUL, Unmasker

NO_EUM = "no EUM"


def run_rivals(
    folder: Path,
    results: Path,
    work: Path,
    trainings: int,
    resamples: int,
    size: Size = FULL_SIZE,
) -> None:
    """Train and judge every system, and the gate, and write one file of results.

    Args:
        folder: of the study's tables, as `eumlib.study.Material.read` takes it.
        results: JSON to write.
        work: folder that keeps what each system was measured as, and its first training. Stopped
            and called again, what is there is not made again, unless the tables or the sizes are
            others; delete a system's file to have it made anew. Each keeps the commit it was made
            at.
        trainings: of each system.
        resamples: of people, behind each interval.
        size: of each training.

    Raises:
        TableError: a table is not there.
    """
    material, state = Material.read(folder), source_state()
    tables = [sha256_of(path) for path in sorted(folder.glob("*.parquet"))]
    made = {
        "trainings": trainings,
        "resamples": resamples,
        "steps": FAITHFUL.epochs * size.steps_an_epoch,
    }
    key = key_of(*tables, json.dumps(made), str(size))
    protocol = Protocol(material, trainings, resamples, size)

    def of_system(name: str) -> dict[str, object]:
        trained, minutes = protocol.train(SYSTEMS[name])
        trained[0].save(work / f"{name}.safetensors")
        return {
            "minutes": minutes,
            "parameters": count_of_parameters(trained[0]),
            "rates": [_stored(rates) for rates in protocol.judge(trained).values()],
        }

    def of_gate() -> dict[str, object]:
        gate, unmasker = train_the_gate(material, size), work / f"{YARDSTICK}.safetensors"
        gate.save(work / "gate.safetensors")
        return {
            "errors": gate_errors(material, gate, size),
            "streams": gate_streams(material, gate, Unmasker.load(unmasker), resamples),
        }

    measured = {}
    with progress_bar(len(SYSTEMS) + 1, "rivals", "system") as progress:
        for name in SYSTEMS:
            measured[name] = _kept(work / f"{name}.json", key, state, partial(of_system, name))
            progress.update()
        for name, of_one in measured.items():  # one after the other, so that they can be compared
            trained = Unmasker.load(work / f"{name}.safetensors")
            of_one["milliseconds_a_face"] = milliseconds_a_face(trained)
        gate = _kept(work / "gate.json", key, state, of_gate)
        progress.update()
    written = made | state | {"systems": _rows(measured, protocol), "gate": gate}
    write_text(results, json.dumps(written, indent=1, ensure_ascii=False) + "\n")


def _kept(
    path: Path, key: str, state: dict[str, object], make: Callable[[], dict[str, object]]
) -> dict[str, object]:
    """What the file holds, if it was made under this key; else it is made and written now."""
    if path.exists():
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["key"] == key:
            return held["made"]
    made = json.loads(pd.Series({"made": state | make()}).to_json())["made"]  # NaN becomes null
    write_text(path, json.dumps({"key": key, "made": made}))
    return made


def _stored(rates: MeanRates) -> dict[str, object]:
    return {
        "values": {name: rates.values[name] for name in JUDGED_RATES},
        "draws": {name: rates.draws[name].tolist() for name in JUDGED_RATES},
    }


def _rows(measured: Mapping[str, dict], protocol: Protocol) -> list[dict[str, object]]:
    """A row a test and system: its rates, their change, and what they are more than SRT's."""
    rows = []
    for place, ((_, condition), judge) in enumerate(protocol.judges.items()):
        test = {"condition": condition, **judge.counts}
        yardstick = _loaded(measured[YARDSTICK]["rates"][place])
        rows.append(test | {"system": NO_EUM} | _figures(judge.plain, judge.plain, yardstick))
        for name, of_system in measured.items():
            rates = _loaded(of_system["rates"][place])
            about = {part: value for part, value in of_system.items() if part != "rates"}
            figures = _figures(rates, judge.plain, yardstick)
            rows.append(test | {"system": SYSTEMS[name].title} | about | figures)
    return rows


def _figures(rates: MeanRates, plain: MeanRates, yardstick: MeanRates) -> dict[str, float]:
    differs = rates.minus(yardstick)
    return rates.row(plain) | {
        f"{rate}_minus_srt{end}": differs[f"{rate}{end}"]
        for rate in JUDGED_RATES
        for end in ("", "_low", "_high")
    }


def _loaded(stored: dict[str, dict]) -> MeanRates:
    draws = {name: np.array(values) for name, values in stored["draws"].items()}
    return MeanRates(stored["values"], draws)
