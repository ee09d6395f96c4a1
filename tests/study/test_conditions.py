import numpy as np
import pytest
from builders import masked_table

from eumlib.embeddings import EmbeddingTable
from eumlib.faces import PICTURES_A_PERSON
from eumlib.masks import SHAPES, style_of
from eumlib.study import few_pictures, one_mask_a_face, with_masks
from eumlib.study.conditions import CELLS


def test_every_shape_has_a_style_and_no_mask_has_none():
    styles = {shape: style_of(shape) for shape in SHAPES}
    assert styles["a"] == styles["f"] == "flat"
    assert styles["surgical"] == "surgical"
    assert {styles[shape] for shape in SHAPES if shape.startswith("cloth")} == {"cloth"}
    assert set(styles.values()) == {"flat", "surgical", "respirator", "cloth"}
    assert style_of(np.nan) is None


def test_masked_views_are_chosen_and_unmasked_ones_stay():
    table = masked_table(["a", "surgical", "cloth plain"], people=3, pictures=2)
    (kept,) = with_masks([table], ["flat", "cloth"])
    assert set(kept.rows["mask_shape"].dropna()) == {"a", "cloth plain"}
    assert (kept.rows["view"] == "unmasked").sum() == 6
    assert len(kept) == 18


def test_alignments_choose_among_tables():
    paper = masked_table(["a"], people=2)
    camera = masked_table(["a"], landmarks_from="masked", people=2)
    (kept,) = with_masks([paper, camera], ["flat"], ["masked"])
    assert set(kept.of_view("masked").rows["landmarks_from"]) == {"masked"}
    assert len(with_masks([paper, camera], ["flat"])) == 2
    assert with_masks([paper, camera], ["respirator"]) == ()


def test_one_mask_a_face_is_the_first():
    table = masked_table(["b", "surgical"], people=3, pictures=2)
    (kept,) = one_mask_a_face([table])
    assert len(kept) == 12
    assert set(kept.rows["mask_shape"].dropna()) == {"b"}


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_person_with_many_pictures_the_same_few_are_kept_whatever_the_order(order):
    table = masked_table(["a", "b"], people=2, pictures=PICTURES_A_PERSON + 7)
    turned = np.arange(len(table))[::order]
    shuffled = EmbeddingTable(
        table.rows.iloc[turned].reset_index(drop=True), table.vectors[turned], table.failures
    )
    (kept,), (expected,) = few_pictures([shuffled]), few_pictures([table])
    assert (kept.rows.groupby("identity")["image_id"].nunique() == PICTURES_A_PERSON).all()
    assert len(kept) == 2 * PICTURES_A_PERSON * 3
    assert set(kept.rows["image_id"]) == set(expected.rows["image_id"])


def test_the_cells_are_all_styles_in_both_alignments():
    assert len({(cell.styles, cell.alignment) for cell in CELLS}) == 8
