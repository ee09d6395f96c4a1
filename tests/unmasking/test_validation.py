import numpy as np
import pytest
from builders import drawn_table

from eumlib.embeddings import TableError
from eumlib.unmasking import EmbeddingUnmaskingModel, decidability, mean_cosine, unmask

TABLE, OTHER = drawn_table(people=9, pictures=3), drawn_table(people=4, seed=2)


class Same(EmbeddingUnmaskingModel):
    def forward(self, embeddings):
        return 3 * embeddings


def slow_scores(model, *tables):
    """Scores of every masked view with its own picture, and with those of other people."""
    masked, bare = [], []
    for number, table in enumerate(tables):
        rows = list(table.rows.itertuples())
        vectors = [unmask(model, v[None])[0] for v in table.vectors]
        for row, restored in zip(rows, vectors, strict=True):
            if row.view == "masked":
                (own,) = [
                    v
                    for other, v in zip(rows, table.vectors, strict=True)
                    if other.view == "unmasked" and other.image_id == row.image_id
                ]
                masked.append((restored, (number, row.identity)))
                bare.append((own, (number, row.identity)))
    mated = [float(m @ b) for (m, _), (b, _) in zip(masked, bare, strict=True)]
    non_mated = [float(m @ b) for m, mine in masked for b, theirs in bare if mine != theirs]
    return mated, non_mated


@pytest.mark.parametrize("model", [Same(16), EmbeddingUnmaskingModel(16)])
def test_mean_cosine_agrees_with_a_slow_loop(model):
    mated, _ = slow_scores(model, TABLE, OTHER)
    assert mean_cosine(TABLE, OTHER)(model) == pytest.approx(np.mean(mated), abs=1e-6)


def renamed(table, face_set):
    return type(table)(table.rows.assign(face_set=face_set), table.vectors, table.failures)


@pytest.mark.parametrize("model", [Same(16), EmbeddingUnmaskingModel(16)])
def test_decidability_agrees_with_a_slow_loop(model):
    mated, non_mated = slow_scores(model, TABLE, OTHER)
    spread = np.sqrt((np.var(mated) + np.var(non_mated)) / 2)
    expected = (np.mean(mated) - np.mean(non_mated)) / spread
    figure = decidability(TABLE, renamed(OTHER, "other"))(model)
    assert figure == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_of_a_large_table_some_pictures_decide(monkeypatch):
    monkeypatch.setattr("eumlib.unmasking.validation.DECIDING_PICTURES", 9)
    masked, _ = TABLE.mated_views()
    few = set(TABLE.rows["image_id"].to_numpy()[masked][::3])
    thinned = TABLE.where(TABLE.rows["image_id"].isin(few))
    model = Same(16)
    assert decidability(TABLE)(model) == pytest.approx(decidability(thinned)(model), rel=1e-6)


def test_of_a_very_large_table_some_pictures_are_judged(monkeypatch):
    monkeypatch.setattr("eumlib.unmasking.validation.JUDGED_PICTURES", 9)
    masked, _ = TABLE.mated_views()
    few = set(TABLE.rows["image_id"].to_numpy()[masked][::3])
    thinned = TABLE.where(TABLE.rows["image_id"].isin(few))
    model = EmbeddingUnmaskingModel(16)
    assert mean_cosine(TABLE)(model) == pytest.approx(mean_cosine(thinned)(model), rel=1e-6)


def test_one_person_is_too_few_to_choose_an_epoch_by():
    with pytest.raises(TableError, match=r"1 person is left .* and 2 are needed"):
        decidability(TABLE.first_people(1))
