import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from oracles import dlib_embeddings, litert, litert_embeddings
from PIL import Image
from recognisers import MeanPixels, kill_this_process

from eumlib._common.fetching import fetch
from eumlib._common.files import home
from eumlib._common.threads import torch_threads
from eumlib.embeddings import (
    COLUMNS,
    Extraction,
    ExtractionError,
    acquire_as_a_camera_does,
    extract_cached,
    read_table,
    workers_for,
    write_table,
)
from eumlib.embeddings.table import FAILURE_COLUMNS
from eumlib.faces import Face, FaceSet, PictureAccessError, read_picture
from eumlib.faces.datasets import folder_faces
from eumlib.masks import CLOTH, FLAT, RandomMasks

PLAN = RandomMasks(seed=3)


@pytest.fixture(scope="module")
def root(tmp_path_factory, orl):
    """Two people with two pictures each, a file that does not decode, and a flat grey picture."""
    folder = tmp_path_factory.mktemp("faces") / "people"
    for identity, numbers in {"Ann": (0, 1), "Bob": (10, 11)}.items():
        (folder / identity).mkdir(parents=True)
        for shot, number in enumerate(numbers):
            Image.fromarray(orl[number].read()).save(folder / identity / f"{shot}.png")
    Image.fromarray(np.full((300, 300, 3), 128, np.uint8)).save(folder / "Ann" / "grey.png")
    (folder / "Bob" / "broken.jpg").write_bytes(b"not a picture")
    return folder


@pytest.fixture(scope="module")
def face_set(root):
    return folder_faces(root)


@pytest.fixture(scope="module")
def table(face_set, backbone):
    return Extraction(face_set, PLAN, backbone).run()


@pytest.fixture(scope="session")
def shared_files(finder):
    """The folder of fetched files, which a cache of one's own may borrow."""
    return home() / "files"


@pytest.fixture(scope="module")
def many(root):
    """Five people, the same six pictures each, under other names: five shards of six."""
    people = [f"person {number}" for number in range(5)]
    faces = tuple(
        Face(f"{name}/{face.image_id}", name, face.read)
        for name in people
        for face in folder_faces(root)
    )
    return FaceSet("many", faces, "five people", one_face=True)


def assert_same(one, other):
    pd.testing.assert_frame_equal(one.rows, other.rows)
    pd.testing.assert_frame_equal(one.failures, other.failures)
    np.testing.assert_array_equal(one.vectors, other.vectors)


def test_extraction_gives_an_unmasked_and_a_masked_row_a_face(table):
    assert tuple(table.rows.columns) == COLUMNS
    assert list(zip(table.rows["image_id"], table.rows["view"], strict=True)) == [
        (image_id, view)
        for image_id in ("Ann/0.png", "Ann/1.png", "Bob/0.png", "Bob/1.png")
        for view in ("unmasked", "masked")
    ]
    assert table.rows["identity"].tolist() == ["Ann"] * 4 + ["Bob"] * 4
    assert set(table.rows["face_set"]) == {"people"}
    assert set(table.rows["backbone"]) == {"mobilefacenet"}
    assert set(table.rows["detector"]) == {"mtcnn"}
    assert set(table.rows["landmarks_from"]) == {"unmasked"}


def test_extraction_notes_the_mask_that_the_plan_gives(table, face_set):
    faces = {face.image_id: face for face in face_set}
    for row in table.rows.itertuples():
        if row.view == "masked":
            (mask,) = PLAN.masks_for(faces[row.image_id])
            assert (row.mask_shape, row.mask_colour) == (mask.shape, mask.hex_colour)
        else:
            assert pd.isna(row.mask_shape)
            assert pd.isna(row.mask_colour)
        assert pd.isna(row.mask_label)


def test_embeddings_have_unit_length(table):
    assert table.vectors.shape == (8, 192)
    assert table.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(table.vectors, axis=1), 1, atol=1e-6)


def test_every_view_that_failed_is_kept_with_its_reason(table, face_set):
    assert tuple(table.failures.columns) == FAILURE_COLUMNS
    failed = list(table.failures[["image_id", "view", "reason"]].itertuples(index=False, name=None))
    assert failed == [
        ("Ann/grey.png", "unmasked", "no face found"),
        ("Ann/grey.png", "masked", "no face found"),
        ("Bob/broken.jpg", "unmasked", "unreadable picture"),
        ("Bob/broken.jpg", "masked", "unreadable picture"),
    ]
    assert "broken.jpg" in table.failures["detail"].iloc[2]
    assert table.attempts == len(face_set) == 6
    assert table.not_acquired == 2


def assert_agrees_by_hand(table, face_set, embeddings_of):
    """Whether a table has what `embeddings_of` says of each picture and its mask."""
    faces = {face.image_id: face for face in face_set}
    for number in range(0, 8, 2):
        face = faces[table.rows["image_id"][number]]
        unmasked, masked = embeddings_of(face.read(), PLAN.masks_for(face)[0])
        np.testing.assert_allclose(table.vectors[number], unmasked, atol=1e-5)
        np.testing.assert_allclose(table.vectors[number + 1], masked, atol=1e-5)
        assert masked @ unmasked < 0.999


def test_embeddings_agree_with_litert_called_by_hand(table, face_set, finder):
    interpreter = litert(fetch("mobilefacenet.tflite"))
    assert_agrees_by_hand(
        table, face_set, lambda *face: litert_embeddings(*face, finder, interpreter)
    )


def test_embeddings_agree_with_dlib_called_by_hand(
    face_set, finder, dlib_backbone, dlib_recogniser
):
    table = Extraction(face_set, PLAN, dlib_backbone).run()
    assert set(table.rows["backbone"]) == {"dlib_resnet_v1"}
    assert_agrees_by_hand(
        table, face_set, lambda *face: dlib_embeddings(*face, finder, dlib_recogniser)
    )


def test_a_face_gets_a_row_for_each_of_its_masks(face_set):
    plan = RandomMasks(kinds=(FLAT, CLOTH))
    table = Extraction(face_set, plan, MeanPixels()).run()
    assert len(table) == 4 * 3
    assert table.rows["view"].tolist() == ["unmasked", "masked", "masked"] * 4
    masked, unmasked = table.mated_views()
    assert len(masked) == 8
    assert (table.rows["image_id"][masked].values == table.rows["image_id"][unmasked].values).all()
    bare = Extraction(face_set, RandomMasks(kinds=()), MeanPixels()).run()
    np.testing.assert_array_equal(bare.vectors, table.vectors[::3])


def test_the_camera_notes_where_its_landmarks_are_from(face_set):
    table = Extraction(face_set, PLAN, MeanPixels(), acquire_as_a_camera_does).run()
    assert (table.rows["landmarks_from"] == table.rows["view"]).all()


def test_shards_do_not_change_the_rows(many):
    whole = Extraction(many, PLAN, MeanPixels()).run()
    counting = MeanPixels()
    in_parts = Extraction(many, PLAN, counting, shard_size=6).run()
    assert counting.calls == 5
    assert_same(in_parts, whole)
    assert len(whole) == 40


def test_worker_processes_do_not_change_a_bit(many, backbone):
    alone = Extraction(many, PLAN, backbone).run()
    assert_same(Extraction(many, PLAN, backbone, workers=2).run(), alone)


def test_a_full_disk_is_named_and_what_is_finished_is_kept(many, own_home, tmp_path, monkeypatch):
    written = []

    def write(table, path, precision):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write_table(table, path, precision)

    monkeypatch.setattr("eumlib.embeddings.extraction.write_table", write)
    counting = MeanPixels()
    extraction = Extraction(many, PLAN, counting, shard_size=6)
    with pytest.raises(ExtractionError, match=r"shard-000003\.parquet cannot .*No space left"):
        extraction.write_to(tmp_path / "table.parquet")
    monkeypatch.undo()
    monkeypatch.setenv("EUMLIB_HOME", str(own_home))
    extraction.write_to(tmp_path / "table.parquet")
    assert counting.calls == 6


def test_a_written_table_is_the_table_in_memory_and_leaves_nothing_else(many, own_home, tmp_path):
    extraction = Extraction(many, PLAN, MeanPixels(), shard_size=6)
    extraction.write_to(tmp_path / "out" / "table.parquet")
    assert_same(read_table(tmp_path / "out" / "table.parquet"), extraction.run())
    assert os.listdir(tmp_path / "out") == ["table.parquet"]
    assert list(own_home.rglob("*.parquet")) == []


def test_half_precision_is_written_in_half_the_size(many, own_home, tmp_path):
    extraction = Extraction(many, PLAN, MeanPixels(), shard_size=6)
    extraction.write_to(tmp_path / "half.parquet", precision="float16")
    expected = extraction.run().vectors.astype(np.float16)
    np.testing.assert_array_equal(read_table(tmp_path / "half.parquet").vectors, expected)


class StopsAt(MeanPixels):
    """Fails at its n-th call."""

    def __init__(self, call):
        super().__init__()
        self._last = call

    def embed(self, chips):
        if self.calls == self._last:
            raise MemoryError
        return super().embed(chips)


def test_an_interrupted_extraction_goes_on_behind_its_last_shard(many, own_home, tmp_path):
    path = tmp_path / "table.parquet"
    with pytest.raises(MemoryError):
        Extraction(many, PLAN, StopsAt(call=3), shard_size=6).write_to(path)
    assert not path.exists()
    counting = MeanPixels()
    Extraction(many, PLAN, counting, shard_size=6).write_to(path)
    assert counting.calls == 2
    assert_same(read_table(path), Extraction(many, PLAN, MeanPixels()).run())


def test_torn_and_foreign_shards_are_named_and_made_again(many, own_home, tmp_path, capsys):
    path = tmp_path / "table.parquet"
    with pytest.raises(MemoryError):
        Extraction(many, PLAN, StopsAt(call=4), shard_size=6).write_to(path)
    torn, foreign, flipped, whole = sorted(own_home.rglob("shard-*.parquet"))
    torn.write_bytes(torn.read_bytes()[:-100])
    foreign.write_bytes(whole.read_bytes())
    content = bytearray(flipped.read_bytes())
    content[len(content) // 4] ^= 4
    flipped.write_bytes(content)
    counting = MeanPixels()
    Extraction(many, PLAN, counting, shard_size=6).write_to(path)
    assert counting.calls == 4
    assert_same(read_table(path), Extraction(many, PLAN, MeanPixels(), shard_size=6).run())
    told = capsys.readouterr().err
    assert all(f"{part.name}" in told for part in (torn, foreign, flipped))
    assert told.count("deleted and made again") == 3


def test_a_damaged_table_in_the_cache_is_named_and_made_again(many, own_home, capsys):
    first = extract_cached(many, PLAN, MeanPixels())
    (kept,) = own_home.rglob("*.parquet")
    kept.write_bytes(kept.read_bytes()[:-9])
    assert_same(extract_cached(many, PLAN, MeanPixels()), first)
    assert f"{kept} is not a Parquet file" in capsys.readouterr().err
    counting = MeanPixels()
    assert_same(extract_cached(many, PLAN, counting), first)
    assert counting.calls == 0


def test_shards_of_other_work_are_not_taken_up(many, own_home, tmp_path):
    path = tmp_path / "table.parquet"
    with pytest.raises(MemoryError):
        Extraction(many, PLAN, StopsAt(call=3), shard_size=6).write_to(path)
    counting = MeanPixels()
    Extraction(many, RandomMasks(seed=4), counting, shard_size=6).write_to(path)
    assert counting.calls == 5


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from recognisers import MeanPixels, kill_this_process
from eumlib.faces.datasets import folder_faces
from eumlib.embeddings.extraction import Extraction
from eumlib.masks.plans import RandomMasks

class Slow(MeanPixels):
    def embed(self, chips):
        time.sleep({seconds})
        return super().embed(chips)

if __name__ == "__main__":
    faces = folder_faces(sys.argv[1], one_face=True)
    Extraction(faces, RandomMasks(seed=3), Slow(), workers=2, shard_size=6).write_to(sys.argv[2])
"""


def start(tmp_path, folder, path, seconds):
    script = tmp_path / "extract.py"
    script.write_text(KILLED.format(tests=str(Path(__file__).parents[1]), seconds=seconds))
    return subprocess.Popen(
        [sys.executable, script, folder, path], stderr=subprocess.PIPE, text=True
    )


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def processes_of(script):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environment:
                if f"EXTRACTION_TEST={script}".encode() in environment.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it looks for orphans in /proc")
def test_killed_at_any_moment_it_resumes_to_the_same_table(
    shared_files, own_home, orl, tmp_path, monkeypatch
):
    own_home.mkdir()
    (own_home / "files").symlink_to(shared_files)
    monkeypatch.setenv("EXTRACTION_TEST", str(tmp_path))
    folder, path = tmp_path / "faces", tmp_path / "table.parquet"
    for face in list(orl)[:60]:
        (folder / face.identity).mkdir(parents=True, exist_ok=True)
        Image.fromarray(face.read()).save(folder / f"{face.image_id}.jpg")

    def shards():
        return len(list((own_home / "extractions").glob("*/shard-*.parquet")))

    process = start(tmp_path, folder, path, seconds=0.3)
    wait_until(lambda: shards() >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not processes_of(tmp_path))
    assert not path.exists()
    assert 3 <= shards() < 10
    first, second = (start(tmp_path, folder, path, seconds=0) for _ in range(2))
    errors = [process.communicate(timeout=120)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), errors
    assert sum("waiting for it" in error for error in errors) == 1
    faces = folder_faces(folder, one_face=True)
    assert_same(read_table(path), Extraction(faces, PLAN, MeanPixels(), shard_size=6).run())
    assert shards() == 0


def test_a_worker_that_dies_is_reported_with_what_to_do(many, own_home, tmp_path):
    deadly = FaceSet(
        "deadly",
        (*many.faces[:20], Face("x/1", "x", kill_this_process), *many.faces[20:]),
        "deadly",
        one_face=False,
    )
    with pytest.raises(ExtractionError, match=r"a worker process died.*same command again"):
        Extraction(deadly, PLAN, MeanPixels(), workers=2).run()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_picture_that_cannot_be_read_now_ends_the_work_by_name(workers, face_set, own_home):
    gone = partial(read_picture, own_home / "disk" / "1.png")
    faces = (*face_set.faces[:2], replace(face_set[0], image_id="s1/gone", read=gone))
    extraction = Extraction(replace(face_set, faces=faces), PLAN, MeanPixels(), workers=workers)
    with pytest.raises(PictureAccessError, match=r"disk/1\.png cannot be read .*same command"):
        extraction.run()


def test_a_set_without_faces_is_refused():
    with pytest.raises(ExtractionError, match="empty has no faces"):
        Extraction(FaceSet("empty", (), "", one_face=False), PLAN, MeanPixels()).run()


@pytest.fixture
def two_people(face_set, finder, own_home):
    """The face set, in a cache of its own."""
    return face_set


def tables_in(home):
    return sorted((home / "tables").glob("*.parquet"))


def test_a_second_extraction_reads_the_file_of_the_first(two_people, own_home):
    counting = MeanPixels()
    first = extract_cached(two_people, PLAN, counting)
    assert counting.calls == 1
    second = extract_cached(two_people, RandomMasks(seed=3), counting)
    assert counting.calls == 1
    assert len(tables_in(own_home)) == 1
    assert_same(first, second)
    assert_same(second, Extraction(two_people, PLAN, counting).run())


def test_another_plan_way_people_or_recogniser_is_extracted_anew(two_people, own_home):
    counting = MeanPixels()
    extract_cached(two_people, PLAN, counting)
    extract_cached(two_people, RandomMasks(seed=4), counting)
    assert counting.calls == len(tables_in(own_home)) == 2
    extract_cached(two_people, PLAN, counting, acquire_as_a_camera_does)
    assert counting.calls == len(tables_in(own_home)) == 3
    extract_cached(two_people.first_people(1), PLAN, counting)
    assert counting.calls == len(tables_in(own_home)) == 4
    counting.fingerprint = "mean pixels 2"
    extract_cached(two_people, PLAN, counting)
    assert counting.calls == len(tables_in(own_home)) == 5


def test_a_table_in_half_precision_is_kept_beside_the_other(two_people, own_home):
    whole = extract_cached(two_people, PLAN, MeanPixels())
    half = extract_cached(two_people, PLAN, MeanPixels(), precision="float16")
    assert len(tables_in(own_home)) == 2
    assert (half.vectors == whole.vectors.astype(np.float16)).all()
    assert not (half.vectors == whole.vectors).all()


def test_a_few_faces_are_not_worth_a_process(two_people, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    assert workers_for(two_people) == 1
    assert workers_for(replace(two_people, faces=two_people.faces * 200)) == 6


def test_an_extraction_that_fails_leaves_no_table(two_people, own_home):
    with pytest.raises(MemoryError):
        extract_cached(two_people, PLAN, StopsAt(call=0))
    assert list(own_home.rglob("*.parquet")) == []


def test_a_set_that_is_searched_in_another_way_has_a_key_of_its_own(root):
    keys = {
        Extraction(folder_faces(root, one_face=one_face), PLAN, MeanPixels()).key
        for one_face in (False, True)
    }
    assert len(keys) == 2


class ThreadCounter(MeanPixels):
    """Notes how many threads PyTorch has where it embeds."""

    def __init__(self):
        super().__init__()
        self.threads = []

    def embed(self, chips):
        self.threads.append(torch.get_num_threads())
        return super().embed(chips)


def test_a_batch_is_embedded_by_one_thread_however_many_there_are(root):
    counter = ThreadCounter()
    with torch_threads(4):
        Extraction(folder_faces(root), PLAN, counter, shard_size=2).run()
        assert torch.get_num_threads() == 4
    assert counter.threads == [1, 1, 1]
