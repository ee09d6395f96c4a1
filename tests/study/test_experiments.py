import pytest

from eumlib.embeddings import MASKED
from eumlib.masks import LIFELIKE, STYLES, style_of
from eumlib.study import Study, target_cases
from eumlib.unmasking import train_unmasker

CONDITIONS = {
    "flat masks, unmasked landmarks",
    "lifelike masks, unmasked landmarks",
    "lifelike masks, masked landmarks",
}


@pytest.fixture(scope="module")
def targets(study):
    return study.targets()


def test_targets_judge_on_people_who_were_not_trained_on_and_give_what_is_shipped(
    targets, material
):
    tables, shipped = targets
    rows = tables["targets"]
    assert set(rows["condition"]) == {*CONDITIONS, "masks that people wore"}
    tested = material.of_lfw("test")[0].rows["identity"].nunique()
    assert set(rows[rows["face_set"] == "lfw"]["people"]) == {tested}
    assert rows["eer"].between(rows["eer_low"], rows["eer_high"]).mean() > 0.8
    assert rows[rows["trained"] == "no EUM"]["eer_change"].to_numpy() == pytest.approx(0)
    assert set(shipped) == set(target_cases((), ()))
    assert all(fit.recipe.seed == 0 for _, fit in shipped.values())
    assert "pairs" not in tables


def test_every_case_of_the_targets_takes_the_same_number_of_steps(targets):
    assert {fit.recipe.steps_an_epoch for _, fit in targets[1].values()} == {2}


def test_differences_are_those_of_the_values_and_have_intervals(targets):
    tables = targets[0]
    rates = tables["targets"].set_index(["trained", "face_set", "condition"])["eer"]
    differences = tables["differences"]
    assert len(differences) == 4 * 7
    for row in differences.itertuples():
        srt, triplet = (
            rates[f"the {row.recipe}'s recipe, {loss}, {row.material}", row.face_set, row.condition]
            for loss in ("SRT", "triplet loss")
        )
        assert row.eer == pytest.approx(srt - triplet)
        assert row.eer_low <= row.eer_high


def test_choices_are_made_on_validation_people_alone(study, material):
    validated = material.of_lfw("validation")[0].rows["identity"].nunique()
    tables = [study.ablation(), study.matrix(), study.steps(), study.draws()]
    for table in tables:
        assert set(table["people"]) == {validated}
        assert "no EUM" in set(table["trained"])
    ablation, matrix, steps, draws = tables
    assert ablation.groupby("trained").size().eq(3).all()
    assert matrix["condition"].nunique() == 8
    assert set(steps["steps"].dropna()) == {100, 200}
    assert draws["trained"].nunique() == 3


def test_unseen_styles_are_tested_alone_beside_seen_ones(study):
    rows = study.unseen()
    assert set(rows["condition"]) == {f"{style}, masked landmarks" for style in LIFELIKE}
    assert rows.groupby("condition").size().tolist() == [3, 3, 3]
    assert set(rows["trained"]) == {"no EUM", "trained on all but it", "trained on all styles"}


@pytest.fixture
def trainings(monkeypatch):
    """What is trained on and validated by, a pair of lists of tables each, when it is trained."""
    seen = []

    def record(training, validation, *options):
        seen.append((training, validation))
        return train_unmasker(training, validation, *options)

    monkeypatch.setattr("eumlib.study.experiments.train_unmasker", record)
    return seen


def styles(tables):
    return {
        style_of(shape) for table in tables for shape in table.of_view(MASKED).rows["mask_shape"]
    }


def test_a_style_that_is_tested_as_unseen_neither_trains_nor_chooses_an_epoch(
    material, nobody, small, trainings
):
    Study(material, nobody, 1, 2, small).unseen()
    worn = [(styles(training), styles(validation)) for training, validation in trainings]
    assert worn == [(set(STYLES),) * 2] + [({*STYLES} - {style},) * 2 for style in LIFELIKE]


@pytest.mark.parametrize("part", [Study.targets, Study.ablation, Study.matrix, Study.steps])
def test_nobody_who_is_tested_is_trained_on_or_chosen_by(part, material, nobody, small, trainings):
    people = {
        name: set(material.of_lfw(name)[0].rows["identity"]) for name in ("train", "validation")
    }
    part(Study(material, nobody, 1, 2, small))
    for training, validation in trainings:
        trained = {name for table in training for name in table.rows["identity"]}
        assert {name for name in trained if not name.startswith("nobody")} <= people["train"]
        assert {name for t in validation for name in t.rows["identity"]} == people["validation"]


def test_the_steps_after_which_weights_were_kept_are_told(targets):
    tables, shipped = targets
    rows = tables["targets"].dropna(subset="kept_steps")
    assert set(rows["trained"]) == {name for name, _ in shipped.values()}
    assert rows["kept_steps"].between(2, 20).all()


def test_the_pairs_of_the_papers_authors_give_its_seven_rows(material, nobody, small, tmp_path):
    table = material.lfw[0]
    first = table.where(~table.rows.duplicated(["image_id", "view"]))
    lines = [f"p{i}\t1\t2" for i in range(40)] + [f"p{i}\t1\tp{i + 1}\t1" for i in range(40)]
    path = tmp_path / "pairs.txt"
    path.write_text("1\t40\n" + "\n".join(lines) + "\n")
    with_log = Study(
        type(material)(material.lfw, material.orl, (), (first, path)), nobody, 1, 5, small
    )
    pairs = with_log.targets()[0]["pairs"]
    assert len(pairs) == 7
    assert set(pairs["mated_pairs"]) == {40}
