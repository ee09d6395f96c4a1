"""Run the protocol: every system a file, so that it can be stopped after any, and one table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from eumlib._common.files import key_of, sha256_of, write_text
from eumlib._common.progress import progress_bar
from eumlib._common.provenance import source_state
from eumlib.embeddings import (
    DLIB_RESNET,
    EmbeddingTable,
    default_backbone,
    load_backbone,
    read_table,
    workers_for,
)
from eumlib.faces import LFW_SHARES, FaceSet, split_by_identity
from eumlib.rivals.attack import attack_rows
from eumlib.rivals.gating import gate_errors, gate_streams, train_the_gate
from eumlib.rivals.lessons import STEPS
from eumlib.rivals.maskinv import Student
from eumlib.rivals.mlfw import mlfw_gaps
from eumlib.rivals.network_protocol import JudgedNetwork, NetworkProtocol
from eumlib.rivals.network_systems import NETWORK_SYSTEMS, read_network
from eumlib.rivals.network_views import views_of_network
from eumlib.rivals.protocol import (
    NO_EUM,
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

MLFW_TABLE = "lfw_shared.parquet"
ABOUT = ("commit", "uncommitted_changes", "minutes", "parameters", "milliseconds_a_face")
Made = dict[str, object]


@dataclass(frozen=True)
class Kept:
    """Results in a folder, a file each, which are not made again.

    Attributes:
        folder: where they are.
        key: of what they are made of; results under another key are made anew.
        state: the commit, which is kept beside each.
    """

    folder: Path
    key: str
    state: Made

    def result(self, name: str, make: Callable[[], Made]) -> Made:
        """What the file of this name holds; else it is made and written now."""
        path = self.folder / f"{name}.json"
        if path.exists():
            held = json.loads(path.read_text(encoding="utf-8"))
            if held["key"] == self.key:
                return held["made"]
        made = json.loads(pd.Series({"made": self.state | make()}).to_json())["made"]  # NaN: null
        write_text(path, json.dumps({"key": self.key, "made": made}))
        return made

    def behind(self, *parts: str) -> Kept:
        """Results that hang on more: on models of these names, or on other words."""
        models = [self.model(part) for part in parts]
        known = [
            sha256_of(path) if path.exists() else part
            for path, part in zip(models, parts, strict=True)
        ]
        return replace(self, key=key_of(self.key, *known))

    def model(self, name: str) -> Path:
        """Where the trained model of this name is."""
        return self.folder / f"{name}.safetensors"


def run_rivals(
    folder: Path,
    results: Path,
    work: Path,
    trainings: int,
    resamples: int,
    size: Size = FULL_SIZE,
    network_steps: int = STEPS,
    photographs: FaceSet | None = None,
) -> None:
    """Train and judge every system, and the gate, and write one file of results.

    Args:
        folder: of the study's tables, as `eumlib.study.Material.read` takes it, of feature maps, as
            `eumlib.rivals.NetworkProtocol` does, and of ``lfw_shared.parquet``, as `mlfw_gaps`.
        results: JSON to write.
        work: folder that keeps what each system was measured as, and its first training. Stopped
            and called again, what is there is not made again, unless the tables or the sizes are
            others; delete a system's file to have it made anew. Each keeps the commit it was made
            at.
        trainings: of each system that maps embeddings; those that reach into the network have one.
        resamples: of people, behind each interval.
        size: of each training.
        network_steps: of each training of a network.
        photographs: LFW, on whose people the mask that attacks is learnt and judged; without them
            it is not, since tables have no pictures.

    Raises:
        TableError: a table, or a file of feature maps, is not there.
    """
    material, state = Material.read(folder), source_state()
    shared = read_table(folder / MLFW_TABLE)
    tables = [
        sha256_of(path) for path in sorted(folder.glob("*.parquet")) if path.name != MLFW_TABLE
    ]
    made = {
        "trainings": trainings,
        "resamples": resamples,
        "steps": FAITHFUL.epochs * size.steps_an_epoch,
    }
    key = key_of(*tables, json.dumps(made), str(size))
    kept = Kept(work, key, state)
    features = [sha256_of(path) for path in sorted(folder.glob("*.arrow"))]
    kept_networks = Kept(work, key_of(key, *features, str(network_steps)), state)
    protocol = Protocol(material, trainings, resamples, size)
    people = material.of_lfw("train")[0].rows["identity"].unique()
    networks = NetworkProtocol.read(folder, people, protocol.tests, resamples, network_steps)
    with progress_bar(len(SYSTEMS) + len(NETWORK_SYSTEMS) + 3, "rivals", "system") as progress:
        measured = {}
        for name in SYSTEMS:
            measured[name] = kept.result(name, partial(_of_unmasker, protocol, name, kept))
            progress.update()
        changed = {}
        for name in NETWORK_SYSTEMS:
            make = partial(_of_network, networks, name, kept_networks)
            changed[name] = kept_networks.result(name, make)
            progress.update()
        on_eum = kept.behind("eum_triplet", YARDSTICK)
        gate = on_eum.result("gate", partial(_of_gate, material, size, resamples, kept))
        progress.update()
        attack = {"rows": []}
        if photographs:
            make = partial(_of_attack, photographs, resamples, kept, kept_networks)
            on_both = kept_networks.behind(YARDSTICK, Student.architecture, photographs.fingerprint)
            attack = on_both.result("attack", make)
        progress.update()
        on_pairs = on_eum.behind(sha256_of(folder / MLFW_TABLE))
        mlfw = on_pairs.result("mlfw", partial(_of_mlfw, shared, resamples, kept))
        progress.update()
    _add_times(measured, changed, kept, networks)
    written = made | {"network_steps": network_steps} | state
    written["systems"] = _rows(protocol, measured, changed)
    written["networks"] = _network_rows(protocol, measured, changed)
    written["views"] = {name: of_one["views"] for name, of_one in changed.items()}
    written |= {"gate": gate, "mlfw": mlfw["rows"], "attack": attack["rows"]}
    write_text(results, json.dumps(written, indent=1, ensure_ascii=False) + "\n")


def _add_times(
    measured: Mapping[str, Made], changed: Mapping[str, Made], kept: Kept, networks: NetworkProtocol
) -> None:
    """Milliseconds a face, one system after the other, so that they can be compared."""
    for name, of_one in measured.items():
        of_one["milliseconds_a_face"] = milliseconds_a_face(Unmasker.load(kept.model(name)))
    for name, of_one in changed.items():
        rival = read_network(kept.model(name))
        of_one["milliseconds_a_face"] = networks.milliseconds_beyond(rival)


def _of_unmasker(protocol: Protocol, name: str, kept: Kept) -> Made:
    trained, minutes = protocol.train(SYSTEMS[name])
    trained[0].save(kept.model(name))
    return {
        "minutes": minutes,
        "parameters": count_of_parameters(trained[0]),
        "rates": [_stored(rates) for rates in protocol.judge(trained).values()],
    }


def _of_network(protocol: NetworkProtocol, name: str, kept: Kept) -> Made:
    trained = protocol.train(NETWORK_SYSTEMS[name])
    trained.rival.save(kept.model(name))
    judged = protocol.judge(trained.rival).values()
    return {
        "minutes": trained.minutes,
        "parameters": trained.parameters,
        **{
            what: [_stored(getattr(of_test, what)) for of_test in judged]
            for what in JudgedNetwork.__annotations__
        },
        "views": views_of_network(trained.rival, protocol),
    }


def _of_gate(material: Material, size: Size, resamples: int, kept: Kept) -> Made:
    gate, unmasker = train_the_gate(material, size), Unmasker.load(kept.model(YARDSTICK))
    gate.save(kept.model("gate"))
    return {
        "errors": gate_errors(material, gate, size),
        "streams": gate_streams(material, gate, unmasker, resamples),
    }


def _of_mlfw(shared: EmbeddingTable, resamples: int, kept: Kept) -> Made:
    names = ("eum_triplet", YARDSTICK)
    unmaskers = {SYSTEMS[name].title: Unmasker.load(kept.model(name)) for name in names}
    return {"rows": mlfw_gaps(shared, unmaskers, resamples)}


def _of_attack(photographs: FaceSet, resamples: int, kept: Kept, kept_networks: Kept) -> Made:
    """The student is asked, too, though it shares its front with the network attacked."""
    names = np.array(photographs.identities)
    training, test = (
        photographs.of_people(names[split_by_identity(names, LFW_SHARES) == part])
        for part in ("train", "test")
    )
    student = read_network(kept_networks.model(Student.architecture)).backbone()
    unseen = [load_backbone(DLIB_RESNET), student]
    eum = {SYSTEMS[YARDSTICK].title: Unmasker.load(kept.model(YARDSTICK))}
    workers = workers_for(photographs)
    rows = attack_rows(
        training, test, default_backbone(), unseen, eum, resamples=resamples, workers=workers
    )
    return {"rows": rows}


def _stored(rates: MeanRates) -> dict[str, object]:
    return {
        "values": {name: rates.values[name] for name in JUDGED_RATES},
        "draws": {name: rates.draws[name].tolist() for name in JUDGED_RATES},
    }


def _loaded(stored: dict[str, dict]) -> MeanRates:
    draws = {name: np.array(values, float) for name, values in stored["draws"].items()}
    values = {name: float("nan") if x is None else x for name, x in stored["values"].items()}
    return MeanRates(values, draws)


def _rows(
    protocol: Protocol, measured: Mapping[str, Made], changed: Mapping[str, Made]
) -> list[dict[str, object]]:
    """One row per test and system: its rates, their change, and what they are more than SRT's."""
    rows = []
    for place, ((_, condition), judge) in enumerate(protocol.judges.items()):
        test = {"condition": condition, **judge.counts}
        yardstick = _loaded(measured[YARDSTICK]["rates"][place])
        rows.append(test | {"system": NO_EUM} | _figures(judge.plain, judge.plain, yardstick))
        of_tests = {SYSTEMS[name].title: (of_one, "rates") for name, of_one in measured.items()}
        of_tests |= {
            NETWORK_SYSTEMS[name].title: (of_one, "probes") for name, of_one in changed.items()
        }
        for title, (of_one, what) in of_tests.items():
            rates = _loaded(of_one[what][place])
            figures = _figures(rates, judge.plain, yardstick)
            rows.append(test | {"system": title} | _about(of_one) | figures)
    return rows


def _network_rows(
    protocol: Protocol, measured: Mapping[str, Made], changed: Mapping[str, Made]
) -> list[dict[str, object]]:
    """One row per test and network with its own references: of masked probes, and of bare ones.

    Of bare probes, ``…_minus`` is what a rate is more than the recogniser's; of masked ones, more
    than that of the EUM with SRT.
    """
    rows = []
    for place, ((_, condition), judge) in enumerate(protocol.judges.items()):
        yardstick = _loaded(measured[YARDSTICK]["rates"][place])
        for name, of_one in changed.items():
            for probes, what, other in (
                ("masked", "anew", yardstick),
                ("bare", "bare", judge.of_bare_faces),
            ):
                rates = _loaded(of_one[what][place])
                about = {"condition": condition, **judge.counts, "probes": probes}
                minus = {f"{rate}_minus{end}": x for rate, end, x in _differences(rates, other)}
                system = {"system": NETWORK_SYSTEMS[name].title}
                rows.append(about | system | rates.row(rates) | minus)
    return rows


def _about(of_one: Made) -> Made:
    return {part: of_one[part] for part in ABOUT}


def _figures(rates: MeanRates, plain: MeanRates, yardstick: MeanRates) -> dict[str, float]:
    minus = {f"{rate}_minus_srt{end}": x for rate, end, x in _differences(rates, yardstick)}
    return rates.row(plain) | minus


def _differences(rates: MeanRates, other: MeanRates) -> list[tuple[str, str, float]]:
    differs = rates.minus(other)
    return [
        (rate, end, differs[f"{rate}{end}"])
        for rate in JUDGED_RATES
        for end in ("", "_low", "_high")
    ]
