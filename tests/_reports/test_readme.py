import re

import pytest
from rival_rows import ATTACK, MLFW, NETWORKS, SYSTEMS

from eumlib._common.files import PROJECT_FOLDER
from eumlib._reports.notebooks import discover
from eumlib._reports.readme import (
    FRONT_TESTS,
    badges_markdown,
    front_markdown,
    notebooks_markdown,
    results_markdown,
    rivals_markdown,
    study_markdown,
    with_section,
)
from eumlib.study.judging import JUDGED_RATES


def drawn_study(commit):
    row = {
        "trained": "no EUM", "condition": "flat", "face_set": "lfw", "people": 7, "pictures": 1234,
        "unmasked_eer": 0.01,
    }  # fmt: skip
    for name in JUDGED_RATES:
        row |= {name: 0.1, f"{name}_low": 0.05, f"{name}_high": 0.15, f"{name}_change": 0.0}
    better = row | {"trained": "an EUM", "eer": 0.08, "eer_change": -0.2}
    rows = [row, better]
    return {
        "targets": rows, "unseen": rows, "seeds": 3, "steps_of_a_case": 2000, "commit": commit,
        "uncommitted_changes": False,
    }  # fmt: skip


def test_a_section_is_replaced_and_the_rest_kept(manifest):
    readme = "# Title\n<!-- results: begin -->\nold\n<!-- results: end -->\nlast line\n"
    new = with_section(readme, "results", results_markdown(manifest))
    assert new.startswith("# Title\n")
    assert new.endswith("<!-- results: end -->\nlast line\n")
    assert "old" not in new
    assert "at commit `0123456789ab`." in new
    assert with_section(new, "results", results_markdown(manifest)) == new


def test_results_of_a_changed_tree_say_so(manifest):
    text = results_markdown(manifest | {"uncommitted_changes": True})
    assert text.endswith("with uncommitted changes.")


def test_no_marks_or_no_results_is_an_error(manifest):
    with pytest.raises(ValueError, match="no lines <!-- results: begin -->"):
        with_section("# Title", "results", "new")
    with pytest.raises(ValueError, match="published no headline"):
        results_markdown(manifest | {"runs": []})


def test_the_study_becomes_tables_in_markdown_that_say_what_made_them():
    text = study_markdown(drawn_study("0123456789abcdef"))
    assert "LFW, 7 people, 1,234 pictures (without masks EER 1.0 %), flat:" in text
    plain = "10.0 [5.0, 15.0] +0 %"
    assert f"| an EUM | 8.0 [5.0, 15.0] -20 % | {plain} | 10.00 | {plain} | {plain} |" in text
    assert "| an EUM | 8.0 [5.0, 15.0] -20 % |\n" in text  # the table of unseen styles
    assert "mean of 3 trainings of 2,000 steps" in text
    assert text.endswith("at commit `0123456789ab`.")
    assert study_markdown(drawn_study(None)).endswith("outside a git checkout.")


def test_rivals_are_two_rates_of_every_system_and_the_gates_errors():
    errors = [
        {"face_set": "lfw", "style": "cloth", "trained": "trained on all but it",
         "masked_taken_for_bare": 0.012, "bare_taken_for_masked": 0.1},
    ]  # fmt: skip
    text = rivals_markdown(
        {"systems": SYSTEMS.to_dict("records"), "gate": {"errors": errors}, "trainings": 3,
         "networks": NETWORKS.to_dict("records"), "mlfw": MLFW, "attack": ATTACK,
         "network_steps": 1000,
         "steps": 2000, "commit": "a" * 40, "uncommitted_changes": False}
    )  # fmt: skip
    assert "| a network, bare probes | 1.0 (+0.2 [-0.8, +1.2]) |" in text
    assert "| mobilefacenet, adversarial, – | 8.0 [7.0, 9.0] |" in text
    assert "| UMR-MP, no EUM | 99.0 ± 0.2 | 95.0 ± 0.4 | 2.0 [1.0, 3.0] | 6.0 [5.0, 7.0] |" in text
    assert text.count("| a rival | 4.0 (-1.2 [-2.2, -0.2]) |") == 2
    assert "| LFW, cloth, trained on all but it | 1.2 | 10.0 |" in text
    made = "3 trainings of 2,000 steps, and of networks one of 1,000; trained and judged at commit"
    assert f"{made} `bbbbbbbbbbbb`;" in text
    assert text.endswith("at commit `aaaaaaaaaaaa`.")


def test_four_lines_have_both_losses_and_the_rival_that_is_best_on_lfw():
    def row(system, test, error):
        _, face_set, condition = test
        rates = {"eer": 0.05, "error_at_1000": error}
        ends = {f"{r}{end}": v for r, v in rates.items() for end in ("_low", "_high")}
        return {"system": system, "face_set": face_set, "condition": condition} | rates | ends

    worn, lfw, orl = FRONT_TESTS
    systems = {
        "no EUM": 0.3, "a linear map": 0.01, "EUM, triplet loss": 0.2, "EUM, SRT": 0.1,
        "First: worse": 0.09, "Second: better": 0.08,
    }  # fmt: skip
    rows = [row(name, test, error) for name, error in systems.items() for test in (lfw, orl)]
    rows += [row(name, worn, 1 - error) for name, error in systems.items()]
    lines = front_markdown({"systems": rows}).splitlines()
    assert len(lines) == 2 + 4
    cells = lines[2].replace("\N{NO-BREAK SPACE}", " ").split(" | ")
    assert cells[1:3] == ["5.0 <sub>[5.0, 5.0]</sub>", "70.0 <sub>[70.0, 70.0]</sub>"]
    assert lines[-1].startswith("| Second, best rival |")


def test_badges_lead_to_the_repository_that_the_project_names():
    text = badges_markdown({"urls": {"Repository": "https://github.com/ada/masks"}})
    assert "(https://github.com/ada/masks/actions/workflows/tests.yml/badge.svg)" in text
    assert "(https://ada.github.io/masks/)" in text
    assert "https://mybinder.org/v2/gh/ada/masks/HEAD?urlpath=lab/tree/notebooks/00_start" in text


def test_without_a_repository_badges_are_relative_and_show_workflows_there_are():
    text = badges_markdown({})
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert all(link.startswith("../../") for link in links)
    for workflow in re.findall(r"workflows/(\w+\.yml)", text):
        assert (PROJECT_FOLDER / ".github/workflows" / workflow).exists()


def test_core_notebooks_are_pictures_with_links_and_the_others_links():
    text = notebooks_markdown(discover())
    assert (
        text.count("<img")
        == text.count("<td")
        == len([n for n in discover() if n.name.startswith("0")])
    )
    link, picture = 'href="notebooks/00_start_here.ipynb"', 'src="data/pictures/notebooks/00.webp"'
    assert f"<a {link}><img {picture}" in text
    assert "[Compare rivals that map embeddings](notebooks/12_compare_rivals.ipynb)" in text
