import numpy as np
import pytest
import torch
from builders import both_ways, drawn_table

from eumlib._common.tensors import TensorFileError, read_tensors, write_tensors
from eumlib.embeddings import EmbeddingTable, PeopleOfNobody, TableError

TABLES = both_ways("people", people=150, pictures=2)
NOBODY = PeopleOfNobody.of_tables(*TABLES)
FLAT = ("flat", "unmasked")


def test_every_style_and_alignment_has_an_effect_of_its_own():
    styles = ("flat", "surgical", "respirator", "cloth")
    assert set(NOBODY.effects) == {(s, way) for s in styles for way in ("unmasked", "masked")}


def test_strangers_and_mates_are_as_alike_as_those_of_the_table():
    drawn = NOBODY.draw(3000, seed=1)
    people = TABLES[0].of_view("unmasked").vectors
    given, made = (
        (v @ v.T)[~np.eye(len(v), dtype=bool)] for v in (people, drawn.of_view("unmasked").vectors)
    )
    assert made.mean() == pytest.approx(given.mean(), abs=0.02)
    assert made.std() == pytest.approx(given.std(), rel=0.1)
    with_mates = []
    for table in (TABLES[0], drawn):
        masked, unmasked = table.mated_views()
        with_mates.append((table.vectors[masked] * table.vectors[unmasked]).sum(axis=1).mean())
    assert with_mates[1] == pytest.approx(with_mates[0], abs=0.03)


def test_mean_and_covariance_of_draws_are_those_that_were_kept():
    random_views = NOBODY.draw(20_000, seed=0, kinds=[]).vectors
    expected = NOBODY.root.T @ NOBODY.root
    scale = np.sqrt(np.trace(expected) + (NOBODY.mean**2).sum())  # before it is made unit length
    np.testing.assert_allclose(random_views.mean(axis=0) * scale, NOBODY.mean, atol=0.02)
    assert np.corrcoef(np.cov(random_views.T).ravel(), expected.ravel())[0, 1] > 0.98


def test_a_draw_is_a_table_of_people_with_one_picture_each():
    table = NOBODY.draw(5, seed=3, kinds=[FLAT, ("cloth", "masked")])
    masked, _ = table.mated_views()
    assert len(table) == 15
    assert len(masked) == 10
    assert table.rows["identity"].nunique() == 5
    assert table.rows["identity"][0] == "nobody-3-000000"
    assert set(table.rows["landmarks_from"][masked]) == {"unmasked", "masked"}
    np.testing.assert_allclose(np.linalg.norm(table.vectors, axis=1), 1, atol=1e-6)
    assert isinstance(table, EmbeddingTable)
    assert table.attempts == 5


def test_the_same_seed_gives_the_same_people_and_another_others():
    first, again, other = (NOBODY.draw(4, seed=s).vectors for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_a_draw_follows_its_formula_in_a_slow_loop():
    table = NOBODY.draw(3, seed=2, kinds=[FLAT])
    random = np.random.default_rng(2)
    noises = [random.standard_normal((3, NOBODY.dim), dtype=np.float32) for _ in range(2)]
    effect = NOBODY.effects[FLAT]
    for person in range(3):
        face = NOBODY.mean + sum(
            z * row for z, row in zip(noises[0][person], NOBODY.root, strict=True)
        )
        masked = effect.map[-1] + sum(x * row for x, row in zip(face, effect.map[:-1], strict=True))
        masked = masked + sum(
            z * row for z, row in zip(noises[1][person], effect.rest, strict=True)
        )
        for row, vector in ((person, face), (3 + person, masked)):
            unit = vector / np.sqrt((vector**2).sum())
            np.testing.assert_allclose(table.vectors[row], unit, atol=1e-5)


def test_the_file_gives_the_statistics_back_to_half_precision(tmp_path):
    NOBODY.save(tmp_path / "nobody.safetensors")
    read = PeopleOfNobody.load(tmp_path / "nobody.safetensors")
    assert (read.backbone, set(read.effects)) == (NOBODY.backbone, set(NOBODY.effects))
    np.testing.assert_allclose(read.root, NOBODY.root, rtol=1e-3, atol=1e-6)
    for kind, effect in NOBODY.effects.items():
        np.testing.assert_allclose(read.effects[kind].map, effect.map, rtol=1e-3, atol=1e-6)


def test_no_embedding_of_the_table_is_in_the_file(tmp_path):
    NOBODY.save(tmp_path / "nobody.safetensors")
    packed = (tmp_path / "nobody.safetensors").read_bytes()
    for vector in TABLES[0].vectors[:20].astype(np.float16):
        assert vector.tobytes() not in packed


def test_what_cannot_be_drawn_or_read_says_why(tmp_path):
    with pytest.raises(ValueError, match="0 people of nobody are none"):
        NOBODY.draw(0, seed=0)
    with pytest.raises(ValueError, match=r"no masks of the kind \('veil', 'masked'\); there are"):
        NOBODY.draw(3, seed=0, kinds=[("veil", "masked")])
    with pytest.raises(TensorFileError, match="there is no file"):
        PeopleOfNobody.load(tmp_path / "none.safetensors")
    write_tensors(tmp_path / "other.safetensors", {}, {"backbone": "x"})
    with pytest.raises(TensorFileError, match="does not hold people of nobody"):
        PeopleOfNobody.load(tmp_path / "other.safetensors")
    other = drawn_table()
    other = type(other)(other.rows.assign(backbone="other"), other.vectors, other.failures)
    with pytest.raises(TableError, match="of one recogniser"):
        PeopleOfNobody.of_tables(*TABLES, other)


@pytest.mark.parametrize("name", ["mean", "root", "flat/masked/map", "flat/masked/rest"])
def test_statistics_of_other_shapes_or_not_finite_are_refused_by_name(name, tmp_path):
    path = tmp_path / "people.safetensors"
    NOBODY.save(path)
    tensors, note = read_tensors(path)
    for odd in (tensors[name][..., :3], tensors[name] * torch.nan):
        write_tensors(path, tensors | {name: odd.contiguous()}, note)
        with pytest.raises(TensorFileError, match=r"does not hold people of nobody"):
            PeopleOfNobody.load(path)
