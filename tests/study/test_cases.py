from itertools import pairwise

from eumlib.masks import style_of
from eumlib.study import Drawn, ablation_cases, matrix_cases, target_cases
from eumlib.study.cases import without
from eumlib.unmasking import FAITHFUL, WORKBOOK


def changed_between(one, other):
    return [name for name, value in vars(other).items() if repr(value) != repr(vars(one)[name])]


def kinds(case):
    return {
        (style_of(shape), way)
        for table in case.training
        for shape, way in zip(table.rows["mask_shape"], table.rows["landmarks_from"], strict=True)
        if style_of(shape)
    }


def test_the_ablation_walks_from_the_papers_recipe_to_the_workbooks_one_change_at_a_time(
    nobody, material, small
):
    cases = ablation_cases(Drawn(nobody, 20), material.lfw, small)
    assert len({case.name for case in cases}) == len(cases)
    end = next(i for i, case in enumerate(cases) if "the workbook's recipe" in case.name)
    walk = cases[1 : end + 1]
    assert walk[0].recipe == small.of(FAITHFUL)
    assert kinds(walk[0]) == {("flat", "unmasked")}
    assert walk[-1].recipe == small.of(WORKBOOK)
    for before, after in pairwise(walk):
        more_masks = kinds(after) > kinds(before)
        assert len(changed_between(before.recipe, after.recipe)) + more_masks == 1, after.name
    assert {case.recipe.steps_an_epoch for case in cases} == {2}


def test_every_variation_of_the_workbooks_recipe_changes_one_thing(nobody, material, small):
    cases = ablation_cases(Drawn(nobody, 20), material.lfw, small)
    varied = [case for case in cases if case.name.startswith("workbook's")]
    assert len(varied) > 5
    for case in varied:
        changed = changed_between(small.of(WORKBOOK), case.recipe)
        photographs = case.training is material.lfw
        assert len(changed) + photographs == 1, case.name


def test_a_style_that_is_held_out_is_in_no_training_table(nobody, small):
    cases = {case.name: case for case in matrix_cases(Drawn(nobody, 20), small)}
    for style in ("surgical", "respirator", "cloth"):
        assert {s for s, _ in kinds(cases[f"all but {style}, both"])} == {*without(style)}
    assert {way for _, way in kinds(cases["all, masked landmarks"])} == {"masked"}


def test_targets_are_each_recipe_with_each_loss_on_each_material(nobody, material):
    people = Drawn(nobody, 20)()
    cases = target_cases(people, material.lfw)
    assert len(cases) == 8
    assert cases["nobody_paper_srt"].name == "the paper's recipe, SRT, people of nobody"
    assert cases["lfw_workbook_triplet"].training is material.lfw
    losses = {file: case.recipe.loss.name for file, case in cases.items()}
    assert all(file.endswith(loss) for file, loss in losses.items())
