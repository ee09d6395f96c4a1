import numpy as np
from builders import masked_table

from eumlib.masks import SHAPES, style_of
from eumlib.study import with_masks
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


def test_the_cells_are_all_styles_in_both_alignments():
    assert len({(cell.styles, cell.alignment) for cell in CELLS}) == 8
