"""Two nodes of Ray on the loopback of this machine, which the tests start, kill and stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from odd_pictures import save
from ray_nodes import HEAD, SECOND, THIRD
from recognisers import (
    FULL_DISK,
    MeanPixels,
    Noting,
    kill_this_process,
    write_to_a_full_disk,
)

import eumlib
from eumlib.embeddings import Extraction, ExtractionError, read_table
from eumlib.embeddings import cluster as module
from eumlib.faces import Face, folder_faces
from eumlib.faces.tar_files import TarMember
from eumlib.masks import RandomMasks

PLAN = RandomMasks(seed=3)
SHARDS, FACES_A_SHARD = 8, 3
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback")


@pytest.fixture(scope="module")
def face_set(tmp_path_factory, orl):
    folder = tmp_path_factory.mktemp("people")
    for face in list(orl)[: SHARDS * FACES_A_SHARD - 1]:
        save(folder / face.identity / f"{face.image_id[-1]}.png", face.read())
    (folder / "s2" / "torn.jpg").write_bytes(b"torn")
    return folder_faces(folder, one_face=True)


@pytest.fixture(scope="module")
def expected(face_set):
    return of(face_set, MeanPixels()).run()


@pytest.fixture
def slow(tmp_path):
    """A recogniser that embeds a shard in a third of a second."""
    (tmp_path / "notes").mkdir()
    return Noting(MeanPixels(), tmp_path / "notes", seconds=0.3)


def of(face_set, recogniser):
    return Extraction(face_set, PLAN, recogniser, shard_size=FACES_A_SHARD)


def assert_same(table, expected):
    pd.testing.assert_frame_equal(table.rows, expected.rows)
    pd.testing.assert_frame_equal(table.failures, expected.failures)
    np.testing.assert_array_equal(table.vectors, expected.vectors)


def when(condition, then):
    """Watch beside the test; gives the thread."""

    def watch():
        end = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)
        then()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def calls(slow):
    return Counter(digest for *_, digest in slow.notes())


@linux
def test_two_nodes_make_the_table_of_one_process(nodes, own_home, face_set, backbone, tmp_path):
    (tmp_path / "notes").mkdir()
    noting = Noting(backbone, tmp_path / "notes", seconds=0.3)
    of(face_set, noting).write_to(tmp_path / "table.parquet", distribute=nodes.both())
    assert_same(read_table(tmp_path / "table.parquet"), of(face_set, backbone).run())
    assert {node for node, *_ in noting.notes()} == {HEAD, SECOND}
    assert list(calls(noting).values()) == [1] * SHARDS
    assert list(own_home.rglob("*.parquet")) == []


@linux
@pytest.mark.usefixtures("own_home")
def test_a_killed_worker_costs_its_shard_alone(nodes, face_set, expected, slow, tmp_path):
    def kill():
        os.kill(int(slow.notes()[0][1]), signal.SIGKILL)

    watcher = when(lambda: len(slow.notes()) >= 3, kill)
    of(face_set, slow).write_to(tmp_path / "table.parquet", distribute=nodes.both())
    watcher.join()
    assert_same(read_table(tmp_path / "table.parquet"), expected)
    assert SHARDS <= calls(slow).total() <= SHARDS + 1
    assert len(calls(slow)) == SHARDS


@linux
@pytest.mark.usefixtures("own_home")
def test_a_killed_node_costs_its_shard_alone(nodes, face_set, expected, slow, tmp_path):
    cluster = nodes.both()
    both_work = lambda: {node for node, *_ in slow.notes()} == {HEAD, SECOND}  # noqa: E731
    watcher = when(both_work, nodes.kill_second)
    of(face_set, slow).write_to(tmp_path / "table.parquet", distribute=cluster)
    watcher.join()
    assert_same(read_table(tmp_path / "table.parquet"), expected)
    assert SHARDS <= calls(slow).total() <= SHARDS + 1
    assert len(calls(slow)) == SHARDS


DRIVER = """
import sys
from pathlib import Path
from recognisers import MeanPixels, Noting
from eumlib.embeddings import Extraction, RayCluster
from eumlib.faces import folder_faces
from eumlib.masks import RandomMasks

address, faces, notes, path, shard_size = sys.argv[1:]
Extraction(
    folder_faces(faces, one_face=True), RandomMasks(seed=3),
    Noting(MeanPixels(), Path(notes), seconds=0.3), shard_size=int(shard_size),
).write_to(path, distribute=RayCluster(address))
"""


@linux
def test_a_killed_driver_goes_on_behind_its_finished_shards(
    nodes, own_home, face_set, expected, slow, tmp_path
):
    folder = face_set[0].read.args[0].parent.parent
    notes, path = tmp_path / "notes", tmp_path / "table.parquet"
    cluster = nodes.both()
    given = [cluster.address, folder, notes, path, FACES_A_SHARD]
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, *map(str, given)])

    def finished():
        return len(list((own_home / "extractions").glob("*/shard-*.parquet")))

    when(lambda: finished() >= 3, driver.kill).join()
    driver.wait()
    kept = finished()
    assert not path.exists()
    assert 3 <= kept < SHARDS
    before = calls(slow).total()
    of(face_set, slow).write_to(path, distribute=cluster)
    assert_same(read_table(path), expected)
    assert calls(slow).total() - before == SHARDS - kept


@linux
@pytest.mark.parametrize(
    ("read", "told"),
    [
        (write_to_a_full_disk, f"No space left.*{FULL_DISK}"),
        (TarMember("/gone/a.tar", "Ann/1.png", 0, 9), r"/gone/a\.tar, Ann/1\.png cannot be read"),
    ],
)
def test_what_fails_on_a_node_is_named_and_what_is_finished_is_kept(
    nodes, own_home, face_set, slow, tmp_path, read, told
):
    failing = Face("failing", "s9", read)
    with_failing = replace(face_set, faces=(*face_set.faces[:-1], failing))
    with pytest.raises(ExtractionError, match=rf"^node 127.*{told}.*same command again") as error:
        of(with_failing, slow).write_to(tmp_path / "t.parquet", distribute=nodes.both())
    assert "\n" not in str(error.value)
    kept = len(list((own_home / "extractions").glob("*/shard-*.parquet")))
    assert SHARDS - 2 <= kept < SHARDS


@linux
@pytest.mark.usefixtures("own_home")
def test_a_shard_that_ends_its_workers_is_named(nodes, face_set, slow, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_DEATHS", 2)
    deadly = Face("deadly", "s9", kill_this_process)
    with_deadly = replace(face_set, faces=(*face_set.faces[:4], deadly, *face_set.faces[5:]))
    first, last = face_set[3].image_id, face_set[5].image_id
    with pytest.raises(ExtractionError, match=f"2 workers died.*{first} to {last}.*node 127"):
        of(with_deadly, slow).write_to(tmp_path / "t.parquet", distribute=nodes.both())


@linux
@pytest.mark.usefixtures("own_home")
def test_a_node_with_another_version_is_named(nodes, face_set, tmp_path, monkeypatch):
    monkeypatch.setattr(eumlib, "__version__", "9.9")
    with pytest.raises(ExtractionError, match=r"node 127\.0\.0\.[23] .*has eumlib 0.* 9\.9: "):
        of(face_set, MeanPixels()).write_to(tmp_path / "t.parquet", distribute=nodes.both())


@linux
@pytest.mark.usefixtures("own_home")
def test_a_node_without_the_package_is_named(nodes, face_set, slow, tmp_path, monkeypatch):
    (tmp_path / "eumlib.py").write_text("raise ImportError('not whole')")
    monkeypatch.chdir(tmp_path / "notes")  # Ray lets workers import from the folder of the driver
    bare = nodes.add(THIRD, PYTHONPATH=str(tmp_path))
    try:
        with pytest.raises(ExtractionError, match=r"node 127\.0\.0\.4 .*none .*not whole"):
            of(face_set, slow).write_to(tmp_path / "t.parquet", distribute=nodes.both())
    finally:
        nodes.kill(bare)
