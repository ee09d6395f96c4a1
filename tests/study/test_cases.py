from builders import masked_table

from eumlib.masks import style_of
from eumlib.study import ablation_cases, matrix_cases
from eumlib.study.cases import without
from eumlib.unmasking import FAITHFUL, WORKBOOK

SHAPES = ["a", "surgical", "respirator", "cloth plain"]
LFW = (
    masked_table(SHAPES, people=3, pictures=2),
    masked_table(SHAPES, landmarks_from="masked", people=3, pictures=2),
)
SYNTHETIC = (masked_table(["a"], people=4, pictures=1, seed=1),)


def changed_between(one, other):
    return [name for name, value in vars(other).items() if repr(value) != repr(vars(one)[name])]


def masked_views(case):
    return sum((table.rows["view"] == "masked").sum() for table in case.training)


def test_the_ablation_walks_from_the_papers_recipe_to_the_workbooks_one_change_at_a_time():
    cases = ablation_cases(LFW, SYNTHETIC)
    assert len({case.name for case in cases}) == len(cases)
    start = next(i for i, case in enumerate(cases) if case.name.startswith("+"))
    end = next(i for i, case in enumerate(cases) if "workbook's recipe" in case.name)
    assert cases[0].recipe == cases[start].recipe == FAITHFUL
    assert cases[end].recipe == WORKBOOK
    for before, after in zip(cases[start:end], cases[start + 1 : end + 1], strict=True):
        more_masks = masked_views(after) > masked_views(before)
        changed = len(changed_between(before.recipe, after.recipe))
        assert changed + more_masks == 1, after.name
    (one_flat,) = cases[0].training
    assert set(one_flat.rows["mask_shape"].dropna()) == {"a"}
    assert len(cases[end + 1].training) == len(LFW) + len(SYNTHETIC)


def test_every_variation_of_the_workbooks_recipe_changes_one_thing():
    cases = [case for case in ablation_cases(LFW, SYNTHETIC) if case.name.startswith("workbook's")]
    assert len(cases) > 5
    for case in cases:
        changed = changed_between(WORKBOOK, case.recipe)
        fewer_masks = len(case.training) < len(LFW)
        if changed:
            together = {"epochs", "epochs_a_step", "patience"}, {"reach", "loss"}
            assert len(changed) == 1 or set(changed) in together
        assert bool(changed) != fewer_masks, case.name


def test_a_style_that_is_held_out_is_in_no_training_table():
    cases = {case.name: case for case in matrix_cases(LFW)}
    for style in ("surgical", "respirator", "cloth"):
        tables = cases[f"all but {style}, both"].training
        styles = {style_of(shape) for table in tables for shape in table.rows["mask_shape"]}
        assert styles == {*without(style), None}
    assert len(cases["all, masked landmarks"].training) == 1
