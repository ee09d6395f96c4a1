import dlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eumlib.embeddings import (
    COLUMNS,
    FAILURE_COLUMNS,
    SYNTHETIC_TABLE,
    EmbeddingTable,
    TableError,
    extract,
    extract_cached,
    prepare_face,
    read_table,
    synthetic_training_table,
    unit_length,
    write_table,
)
from eumlib.faces import Face, folder_faces
from eumlib.generator import generate_face
from eumlib.masks import Mask, MaskPlan, paint_mask

PLAN = MaskPlan(seed=3)


class CountingBackbone:
    """A recogniser whose embedding is a few mean pixels; it counts its calls."""

    name = "counting"
    dim = 6
    chip_size = 60
    chip_padding = 0.1

    def __init__(self):
        self.calls = 0

    def embed(self, chips):
        assert chips.shape[1:] == (60, 60, 3)
        self.calls += 1
        return chips.reshape(len(chips), self.dim, -1).mean(axis=2).astype(np.float32)


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
    return extract(face_set, PLAN, backbone)


def by_hand(picture, mask, detector, predictor, recogniser):
    """Unmasked and masked embedding of a picture from dlib's own functions."""
    (box,) = detector(picture, 0)
    shape = predictor(picture, box)
    landmarks = np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)])
    embeddings = []
    for view in (picture, paint_mask(picture, landmarks, mask)):
        chip = dlib.get_face_chip(view, shape, size=150, padding=0.25)
        values = np.array(recogniser.compute_face_descriptor(chip))
        embeddings.append(values / np.sqrt((values**2).sum()))
    return embeddings


def test_extraction_gives_an_unmasked_and_a_masked_row_a_face(table):
    assert tuple(table.rows.columns) == COLUMNS
    assert list(zip(table.rows["image_id"], table.rows["view"], strict=True)) == [
        (image_id, view)
        for image_id in ("Ann/0.png", "Ann/1.png", "Bob/0.png", "Bob/1.png")
        for view in ("unmasked", "masked")
    ]
    assert table.rows["identity"].tolist() == ["Ann"] * 4 + ["Bob"] * 4
    assert set(table.rows["face_set"]) == {"people"}
    assert set(table.rows["backbone"]) == {"dlib_resnet_v1"}


def test_extraction_notes_the_mask_that_the_plan_gives(table):
    for row in table.rows.itertuples():
        if row.view == "masked":
            mask = PLAN.mask_for(row.image_id)
            assert (row.mask_shape, row.mask_colour) == (mask.shape, mask.hex_colour)
        else:
            assert pd.isna(row.mask_shape)
            assert pd.isna(row.mask_colour)


def test_embeddings_have_unit_length(table):
    assert len(table) == 8
    assert table.dim == 128
    assert table.vectors.shape == (8, 128)
    assert table.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(table.vectors, axis=1), 1, atol=1e-6)


def test_failures_are_kept_with_their_reasons(table):
    assert tuple(table.failures.columns) == FAILURE_COLUMNS
    reasons = {row.image_id: row for row in table.failures.itertuples()}
    assert set(reasons) == {"Ann/grey.png", "Bob/broken.jpg"}
    assert "no face" in reasons["Ann/grey.png"].reason
    assert "broken.jpg does not decode" in reasons["Bob/broken.jpg"].reason
    assert reasons["Ann/grey.png"].identity == "Ann"
    assert reasons["Bob/broken.jpg"].face_set == "people"


def test_attempts_count_every_face_once(table, face_set):
    assert table.attempts == len(face_set) == 6


def test_both_views_are_aligned_by_the_landmarks_of_the_unmasked_picture(
    table, face_set, dlib_detector, dlib_predictor, dlib_recogniser
):
    faces = {face.image_id: face for face in face_set}
    for number in range(0, 8, 2):
        image_id = table.rows["image_id"][number]
        unmasked, masked = by_hand(
            faces[image_id].read(),
            PLAN.mask_for(image_id),
            dlib_detector,
            dlib_predictor,
            dlib_recogniser,
        )
        np.testing.assert_allclose(table.vectors[number], unmasked, atol=1e-5)
        np.testing.assert_allclose(table.vectors[number + 1], masked, atol=1e-5)
        assert masked @ unmasked < 0.999


def test_faces_are_embedded_the_same_alone_or_among_others(table, face_set, backbone):
    alone = extract(face_set.first_people(1), PLAN, backbone)
    np.testing.assert_allclose(alone.vectors, table.vectors[:4], atol=1e-6)
    assert alone.failures["image_id"].tolist() == ["Ann/grey.png"]


def test_batches_do_not_change_the_rows(face_set, monkeypatch):
    whole = extract(face_set, PLAN, CountingBackbone())
    monkeypatch.setattr("eumlib.embeddings.FACES_A_BATCH", 2)
    counting = CountingBackbone()
    in_parts = extract(face_set, PLAN, counting)
    assert counting.calls == 3
    pd.testing.assert_frame_equal(in_parts.rows, whole.rows)
    pd.testing.assert_frame_equal(in_parts.failures, whole.failures)
    np.testing.assert_array_equal(in_parts.vectors, whole.vectors)


def test_a_prepared_face_has_its_chips_or_its_reason(orl_picture, finder):
    good = prepare_face(Face("s1/1", "s1", lambda: orl_picture), PLAN, CountingBackbone())
    assert good.chips.shape == (2, 60, 60, 3)
    assert good.reason is None
    assert good.mask == PLAN.mask_for("s1/1")
    grey = np.full((300, 300, 3), 128, np.uint8)
    bad = prepare_face(Face("grey", "nobody", lambda: grey), PLAN, CountingBackbone())
    assert bad.chips is None
    assert "no face" in bad.reason


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    """The table of a folder in which no face can be found."""
    folder = tmp_path_factory.mktemp("grey") / "greys"
    for name in ("Ann", "Bob"):
        (folder / name).mkdir(parents=True)
        Image.fromarray(np.full((300, 300, 3), 90, np.uint8)).save(folder / name / "1.png")
    return extract(folder_faces(folder), PLAN, CountingBackbone())


def test_a_set_without_a_single_face_gives_a_table_of_failures(nothing):
    assert len(nothing) == 0
    assert nothing.dim == 6
    assert nothing.attempts == len(nothing.failures) == 2


def test_a_table_of_failures_survives_writing_and_reading(nothing, tmp_path):
    write_table(nothing, tmp_path / "table.parquet")
    read = read_table(tmp_path / "table.parquet")
    assert read.vectors.shape == (0, 6)
    assert read.attempts == 2
    pd.testing.assert_frame_equal(read.failures, nothing.failures)


def test_writing_and_reading_gives_the_same_table_exactly(table, tmp_path):
    write_table(table, tmp_path / "table.parquet")
    read = read_table(tmp_path / "table.parquet")
    assert read.vectors.dtype == np.float32
    np.testing.assert_array_equal(read.vectors, table.vectors)
    pd.testing.assert_frame_equal(read.rows, table.rows)
    pd.testing.assert_frame_equal(read.failures, table.failures)
    assert read.attempts == table.attempts


def test_half_precision_keeps_three_digits_in_half_the_bytes(table, tmp_path):
    write_table(table, tmp_path / "half.parquet", precision="float16")
    read = read_table(tmp_path / "half.parquet")
    assert read.vectors.dtype == np.float32
    expected = table.vectors.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(read.vectors, expected)
    assert not np.array_equal(read.vectors, table.vectors)
    np.testing.assert_allclose(read.vectors, table.vectors, rtol=2**-11, atol=2**-24)
    embeddings = pq.read_table(tmp_path / "half.parquet")["embedding"]
    assert embeddings.type.value_type == pa.float16()


def test_writing_replaces_an_older_table(table, tmp_path):
    path = tmp_path / "folder" / "table.parquet"
    write_table(table, path)
    write_table(table.of_people(["Bob"]), path)
    assert read_table(path).rows["identity"].unique().tolist() == ["Bob"]
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_table_is_refused_with_the_command_that_makes_it(tmp_path):
    path = tmp_path / "none.parquet"
    with pytest.raises(TableError, match="python -m eumlib embed") as error:
        read_table(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"image_id,identity\ns1/1,s1\n", b"PAR1" * 10])
def test_a_file_that_is_not_parquet_is_refused_by_name(content, tmp_path):
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    with pytest.raises(TableError, match="not a Parquet file") as error:
        read_table(path)
    assert str(path) in str(error.value)


def test_half_of_a_table_is_refused(table, tmp_path):
    path = tmp_path / "table.parquet"
    write_table(table, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TableError, match="not a Parquet file"):
        read_table(path)


def test_another_parquet_file_is_refused_with_the_columns_that_it_lacks(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"identity": ["s1"], "view": ["masked"]}), path)
    with pytest.raises(TableError, match=r"missing: image_id, face_set, .*embedding") as error:
        read_table(path)
    assert str(path) in str(error.value)


def test_embeddings_of_varying_length_are_refused(tmp_path):
    path = tmp_path / "other.parquet"
    columns = {name: ["x", "y"] for name in COLUMNS} | {"embedding": [[1.0, 0.0], [1.0]]}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(TableError, match="missing: the fixed size"):
        read_table(path)


def test_a_table_without_a_column_is_refused(table):
    with pytest.raises(TableError, match="without column view, backbone"):
        EmbeddingTable(table.rows.drop(columns=["view", "backbone"]), table.vectors, table.failures)


@pytest.mark.parametrize("shape", [(7, 128), (8,), (8, 128, 1)])
def test_vectors_that_do_not_fit_the_rows_are_refused(shape, table):
    with pytest.raises(TableError, match=r"8 rows need vectors \(8, d\)") as error:
        EmbeddingTable(table.rows, np.zeros(shape, np.float32), table.failures)
    assert str(shape) in str(error.value)


def numbered_table(seed=0):
    """Two sets that share their picture names, shuffled; some pictures lack one of their views."""
    rows = [
        (f"{person}/{shot}", f"p{person}", face_set, view, None, None, "hand")
        for face_set in ("red", "blue")
        for person in range(5)
        for shot in range(3)
        for view in ("unmasked", "masked")
        if (person, shot, view) not in {(0, 0, "unmasked"), (1, 2, "masked")}
    ]
    rows = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    vectors = np.arange(2 * len(rows), dtype=np.float32).reshape(-1, 2)
    failures = [("9/0", "p4", "red", "no face"), ("9/1", "p9", "red", "no face")]
    return EmbeddingTable(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        vectors,
        pd.DataFrame(failures, columns=list(FAILURE_COLUMNS)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_mated_views_agree_with_a_slow_search(seed):
    table = numbered_table(seed)
    rows = list(table.rows.itertuples())
    pairs = [
        (masked.Index, unmasked.Index)
        for masked in rows
        for unmasked in rows
        if (masked.view, unmasked.view) == ("masked", "unmasked")
        and (masked.face_set, masked.image_id) == (unmasked.face_set, unmasked.image_id)
    ]
    masked, unmasked = table.mated_views()
    assert len(pairs) == 26
    assert list(zip(masked.tolist(), unmasked.tolist(), strict=True)) == pairs


def test_a_table_of_one_view_has_no_mated_views():
    with pytest.raises(TableError, match="no picture"):
        numbered_table().of_view("masked").mated_views()


def test_where_keeps_rows_with_their_vectors_and_all_failures():
    table = numbered_table()
    keep = np.arange(len(table)) % 3 == 1
    kept = table.where(keep)
    for place, row in enumerate(range(1, len(table), 3)):
        assert kept.rows.iloc[place].equals(table.rows.iloc[row])
        np.testing.assert_array_equal(kept.vectors[place], table.vectors[row])
    assert len(kept) == len(range(1, len(table), 3))
    assert kept.rows.index.tolist() == list(range(len(kept)))
    assert len(kept.failures) == 2


def test_of_view_keeps_the_rows_of_that_view():
    table = numbered_table()
    for view in ("masked", "unmasked"):
        expected = [i for i in range(len(table)) if table.rows["view"][i] == view]
        kept = table.of_view(view)
        assert len(kept) == 28
        np.testing.assert_array_equal(kept.vectors, table.vectors[expected])
        assert set(kept.rows["view"]) == {view}


def test_of_people_keeps_the_rows_and_failures_of_these_people():
    table = numbered_table()
    wanted = ["p4", "p1", "nobody"]
    expected = [i for i in range(len(table)) if table.rows["identity"][i] in wanted]
    kept = table.of_people(wanted)
    np.testing.assert_array_equal(kept.vectors, table.vectors[expected])
    assert kept.rows["identity"].tolist() == table.rows["identity"][expected].tolist()
    assert kept.failures["identity"].tolist() == ["p4"]
    assert kept.attempts == len({row.image_id for row in kept.rows.itertuples()}) + 1
    assert len(table.of_people([])) == 0


def test_first_people_keeps_the_people_that_come_first():
    table = numbered_table()
    order = []
    for identity in table.rows["identity"]:
        if identity not in order:
            order.append(identity)
    for count in (1, 3):
        kept = table.first_people(count)
        expected = [i for i in range(len(table)) if table.rows["identity"][i] in order[:count]]
        np.testing.assert_array_equal(kept.vectors, table.vectors[expected])
        assert set(kept.failures["identity"]) <= set(order[:count])
    assert len(table.first_people(99)) == len(table)


def test_unit_length_divides_each_row_by_its_length():
    scaled = unit_length(np.array([[3.0, 4.0], [0.0, -2.0], [1e-6, 0.0]]))
    np.testing.assert_allclose(scaled, [[0.6, 0.8], [0, -1], [1, 0]], rtol=1e-6)
    assert scaled.dtype == np.float32
    assert unit_length(np.empty((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("row", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [-np.inf, np.nan]])
def test_rows_without_a_length_are_refused_with_their_number(row):
    vectors = np.array([[1.0, 0.0], [0.5, 0.5], row, [1.0, 1.0], row])
    with pytest.raises(ValueError, match=r"^2 embeddings.* row 2"):
        unit_length(vectors)


@pytest.fixture
def two_people(root, face_set, finder, own_home):
    """The face set, in a cache of its own."""
    return face_set


def tables_in(home):
    return sorted((home / "tables").iterdir())


def test_a_second_extraction_reads_the_file_of_the_first(two_people, own_home):
    counting = CountingBackbone()
    first = extract_cached(two_people, PLAN, counting)
    assert counting.calls == 1
    second = extract_cached(two_people, MaskPlan(seed=3), counting)
    assert counting.calls == 1
    assert len(tables_in(own_home)) == 1
    np.testing.assert_array_equal(first.vectors, second.vectors)
    pd.testing.assert_frame_equal(first.rows, second.rows)
    pd.testing.assert_frame_equal(first.failures, second.failures)
    fresh = extract(two_people, PLAN, counting)
    np.testing.assert_array_equal(second.vectors, fresh.vectors)


def test_another_plan_people_or_recogniser_is_extracted_anew(two_people, own_home):
    counting = CountingBackbone()
    extract_cached(two_people, PLAN, counting)
    extract_cached(two_people, MaskPlan(seed=4), counting)
    assert counting.calls == len(tables_in(own_home)) == 2
    extract_cached(two_people.first_people(1), PLAN, counting)
    assert counting.calls == len(tables_in(own_home)) == 3
    counting.name = "another"
    extract_cached(two_people, PLAN, counting)
    assert counting.calls == len(tables_in(own_home)) == 4


def test_an_extraction_that_fails_half_way_leaves_no_table(two_people, own_home):
    class BrokenBackbone(CountingBackbone):
        def embed(self, chips):
            raise MemoryError

    with pytest.raises(MemoryError):
        extract_cached(two_people, PLAN, BrokenBackbone())
    assert list(own_home.rglob("*.parquet")) == []


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_training_table()


def test_the_table_of_synthetic_faces_has_twenty_thousand_faces_in_both_views(synthetic):
    masked, unmasked = synthetic.mated_views()
    assert len(masked) == len(unmasked) == len(synthetic) / 2
    assert len(masked) >= 20_000
    assert synthetic.dim == 128
    assert synthetic.rows["image_id"].nunique() == len(masked)
    assert synthetic.attempts == len(masked) + len(synthetic.failures)


def test_the_table_of_synthetic_faces_is_small_on_disk():
    assert SYNTHETIC_TABLE.stat().st_size < 20_000_000


def test_the_table_of_synthetic_faces_has_unit_length_within_half_precision(synthetic):
    lengths = np.linalg.norm(synthetic.vectors, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_table_of_synthetic_faces_can_be_rebuilt(
    share, synthetic, dlib_detector, dlib_predictor, dlib_recogniser
):
    rows = synthetic.rows
    image_id = rows["image_id"].iloc[int(share * (len(rows) - 1))]
    index = int(image_id.removeprefix("synthetic-1-"))
    assert image_id == f"synthetic-1-{index:06d}"
    mask = MaskPlan(seed=1).mask_for(image_id)
    picture = generate_face(index, seed=1)
    expected = by_hand(picture, mask, dlib_detector, dlib_predictor, dlib_recogniser)
    for view, vector in zip(("unmasked", "masked"), expected, strict=True):
        (place,) = np.flatnonzero((rows["image_id"] == image_id) & (rows["view"] == view))
        stored = synthetic.vectors[place]
        assert stored @ vector / np.linalg.norm(stored) > 0.999
        np.testing.assert_allclose(stored, vector, atol=2e-3)
        if view == "masked":
            noted = Mask.from_hex(rows["mask_shape"][place], rows["mask_colour"][place])
            assert noted == mask
