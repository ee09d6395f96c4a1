"""The pages beside the notebooks say what the notebooks say."""

import re

import nbformat
import pytest

from eumlib._common.files import NOTEBOOK_FOLDER
from eumlib._reports.notebooks import discover

NOT_TERMS = {
    "Goals",
    "Prerequisites:",
    "Time:",
    "Predict, then look.",
    "Your turn.",
    "Exercises",
    "Next:",
    "Your own faces.",
    "Faces are biometric data.",
    "not",  # stressed
    "c",  # a mask's shape
}
PAGES = ("INDEX", "GLOSSARY", "SYMBOLS", "BIOMETRIC_DATA")
TEXTS = {
    path.stem[:2]: "\n".join(
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    for path in sorted(NOTEBOOK_FOLDER.glob("*.ipynb"))
}


def page(name):
    return (NOTEBOOK_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def rows_of(name):
    rows = [line.strip("| ").split(" | ") for line in page(name).splitlines() if line[:1] == "|"]
    return rows[2:]


def bold_terms():
    """Each bold term, in small letters → the notebook that sets it in bold first."""
    first = {}
    for number, text in TEXTS.items():
        for term in re.findall(r"\*\*(.+?)\*\*", text):
            if term not in NOT_TERMS:
                first.setdefault(term.casefold(), number)
    return first


def glossary():
    """Each entry → its notebook and what it says."""
    entries = re.findall(r"^- \*\*(.+?)\*\* \((\d\d)\): (.+)$", page("GLOSSARY"), re.MULTILINE)
    return {term: (number, text) for term, number, text in entries}


def test_every_bold_term_has_its_entry_with_the_notebook_of_its_first_use():
    numbers = {term.casefold(): number for term, (number, _) in glossary().items()}
    bold = bold_terms()
    assert len(bold) > 40
    assert {term: numbers.get(term) for term in bold} == bold


def test_entries_are_in_order_and_nothing_else_is_listed():
    terms = [term.casefold() for term in glossary()]
    assert terms == sorted(terms)
    assert len(terms) == page("GLOSSARY").count("\n- ")


def test_a_word_that_is_not_bold_stands_in_the_notebook_that_its_entry_names():
    for term, (number, text) in glossary().items():
        assert term.casefold() in TEXTS[number].casefold(), term
        assert text.endswith("."), term


def test_where_an_entry_sends_its_reader_there_is_one():
    terms = {term.casefold() for term in glossary()}
    sent = re.findall(r"see \*(.+?)\*", page("GLOSSARY"))
    assert len(sent) >= 3
    assert {term.casefold() for term in sent} <= terms


def test_what_is_exempt_is_still_in_the_notebooks():
    text = "".join(TEXTS.values())
    assert [words for words in NOT_TERMS if f"**{words}**" not in text] == []


def test_every_symbol_stands_in_a_notebook_that_its_row_names():
    rows = rows_of("SYMBOLS")
    assert all(len(row) == 4 and all(row) for row in rows)
    for symbols, _, _, where in rows:
        read = "".join(TEXTS[number] for number in where.split(", "))
        for symbol in re.findall(r"\$(.+?)\$", symbols):
            assert symbol in read, symbol


def test_the_three_distances_margin_and_mean_have_their_rows():
    listed = " ".join(row[0] for row in rows_of("SYMBOLS"))
    for symbol in ("$d_1$", "$d_2$", "$d_3$", r"$\mu(d_3)$", "$m$", "$t$", "$x$", "$f$"):
        assert symbol in listed


def test_the_index_says_what_the_notebooks_say():
    opening = r"\*\*Prerequisites:\*\* (.+?)\.? \*\*Time:\*\*"
    assert rows_of("INDEX") == [
        [
            f"[{notebook.name}]({notebook.path.name})",
            notebook.title,
            f"{notebook.minutes:g}",
            re.search(opening, TEXTS[notebook.name[:2]])[1],
        ]
        for notebook in discover()
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_title_and_links_that_lead_somewhere(name):
    text = page(name)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        assert (NOTEBOOK_FOLDER / link).exists(), link


def test_every_page_is_reached_from_the_index():
    assert all(f"({name}.md)" in page("INDEX") for name in PAGES if name != "INDEX")
