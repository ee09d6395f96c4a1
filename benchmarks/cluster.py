"""Extraction by a pool of processes against a Ray cluster on the same cores, turn by turn.

``python benchmarks/cluster.py --faces orl --out cluster.md``
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import psutil
import typer
from publishing import publish

from eumlib.embeddings import (
    EmbeddingTable,
    Extraction,
    RayCluster,
    default_backbone,
    read_table,
)
from eumlib.embeddings.extraction import Distribute, Shard, Step
from eumlib.faces import load_faces
from eumlib.masks import RandomMasks

HEAD = "127.0.0.2"  # Ray would turn 127.0.0.1 into the address by which others see the machine
CORES = psutil.Process().cpu_affinity()
WORKERS = (1, 2)


@dataclass
class Watched:
    """A way to distribute, and what it takes: from the first message of a worker to the last."""

    distribute: Distribute
    start_up: float = 0
    seconds: float = 0
    processor: float = 0
    faces: int = 0

    def __call__(self, extraction: Extraction, shards: Sequence[Shard]) -> Iterator[Step]:
        begin, first = time.perf_counter(), None
        for step in self.distribute(extraction, shards):
            if first is None:
                first, before = time.perf_counter(), processor_seconds()
                self.start_up = first - begin
            else:
                self.faces += step.faces
            if step.table is not None:
                self.seconds = time.perf_counter() - first
                self.processor = processor_seconds() - before
            yield step


def processor_seconds() -> float:
    """What this process and all that came from it have used of the cores."""
    used = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


@contextmanager
def cluster_of(cores: int) -> Iterator[str]:
    """The address of a cluster of so many cores of this machine, to which all keeps meanwhile."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    with TemporaryDirectory(prefix="ray.", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": cores, "node_ip_address": HEAD, "include_dashboard": False,
                "temp_dir": folder,
            },
        )  # fmt: skip
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            process.cpu_affinity(CORES[:cores])
        try:
            yield cluster.address
        finally:
            psutil.Process().cpu_affinity(CORES)
            cluster.shutdown()


def same(one: EmbeddingTable, other: EmbeddingTable) -> bool:
    """Whether two tables are the same, row for row and bit for bit."""
    return (
        one.rows.equals(other.rows)
        and one.failures.equals(other.failures)
        and np.array_equal(one.vectors, other.vectors)
    )


def main(
    face_set: Annotated[str, typer.Option("--faces")] = "orl",
    shard_size: Annotated[int, typer.Option(help="faces a shard")] = 25,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Embed a face set by processes and by Ray, with one worker and with two, in turns."""
    faces = load_faces(face_set)
    whole = Extraction(faces, RandomMasks(), default_backbone(), shard_size=shard_size)
    taken: dict[tuple[str, int], list[Watched]] = defaultdict(list)
    first, alike = None, True
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        for _ in range(rounds):
            for workers in WORKERS:
                with cluster_of(workers) as address:
                    for name, extraction, distribute in (
                        ("processes", replace(whole, workers=workers), Extraction.steps),
                        ("Ray", whole, RayCluster(address)),
                    ):
                        watched = Watched(distribute)
                        anew = replace(faces, fingerprint=f"{faces.fingerprint} {time.time_ns()}")
                        replace(extraction, face_set=anew).write_to(path, distribute=watched)
                        taken[name, workers].append(watched)
                        table = read_table(path)
                        first = first or table
                        alike &= same(table, first)
                        print(name, workers, f"{watched.seconds:.1f} s", flush=True)
    rate = {way: median(run.faces / run.seconds for run in runs) for way, runs in taken.items()}
    used = {way: median(run.processor / run.faces for run in runs) for way, runs in taken.items()}
    lines = [
        f"# {len(faces)} faces of {faces.name}, by processes and by Ray",
        "",
        f"Medians of {rounds} rounds, on as many cores as there are workers; rates are taken from "
        f"the first message of a worker on, start-up is the time before it. Ray's head is up.",
        "",
        "| way | workers | start-up s | faces a second | processor ms a face |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (name, workers), runs in sorted(taken.items()):
        start_up = median(run.start_up for run in runs)
        lines.append(
            f"| {name} | {workers} | {start_up:.1f} | {rate[name, workers]:.1f} | "
            f"{1000 * used[name, workers]:.0f} |"
        )
    for workers in WORKERS:
        ratios = [
            run.faces / run.seconds / (other.faces / other.seconds)
            for run, other in zip(taken["processes", workers], taken["Ray", workers], strict=True)
        ]
        lines += [
            "",
            f"Ray against processes, {workers} of each: {median(ratios) - 1:+.0%} of the time "
            f"({', '.join(f'{ratio - 1:+.0%}' for ratio in ratios)}), "
            f"{used['Ray', workers] / used['processes', workers] - 1:+.0%} of the processor time.",
        ]
    growth = {name: rate[name, 2] / rate[name, 1] for name in ("processes", "Ray")}
    lines += [
        "",
        f"From one worker to two: {growth['processes']:.2f} times the faces a second by "
        f"processes, {growth['Ray']:.2f} times by Ray.",
        "",
        f"All tables are the same, bit for bit: {'yes' if alike else 'no'}.",
    ]
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
