import pytest

from eumlib.rivals import gate_errors, gate_streams, train_the_gate
from eumlib.unmasking import EmbeddingUnmaskingModel, Unmasker


@pytest.fixture(scope="module")
def gate(material, small):
    return train_the_gate(material, small)


def test_errors_are_of_styles_met_and_never_met_and_of_worn_masks(material, small, gate):
    rows = gate_errors(material, gate, small)
    assert [(row["style"], row["trained"]) for row in rows] == [
        ("flat", "trained on all styles"),
        *((style, f"trained on all{but}") for style in ("surgical", "respirator", "cloth")
          for but in (" styles", " but it")),
        ("worn", "trained on all styles"),
    ]  # fmt: skip
    assert {row["face_set"] for row in rows[:-1]} == {"lfw"}
    for row in rows:
        assert 0 <= row["masked_taken_for_bare"] <= 1
        assert 0 <= row["bare_taken_for_masked"] <= 1
        assert row["masked_faces"] > 0


def test_streams_are_of_painted_and_of_worn_masks(material, gate):
    unmasker = Unmasker(EmbeddingUnmaskingModel(16), "drawn_recogniser")
    rows = gate_streams(material, gate, unmasker, resamples=3)
    ways = ["EUM, by the gate", "EUM, everyone", "EUM, truth known"]
    assert [row["unmasking"] for row in rows if isinstance(row["unmasking"], str)] == 2 * ways
    assert [row["face_set"] for row in rows] == 4 * ["lfw"] + 4 * ["drawn"]
    assert {row["setting"] for row in rows} == {"UMR-AP"}
