"""One term for one thing, the field's: words that were retired do not come back."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
RETIRED = {  # a pattern: what to write instead
    r"\bin service\b": "operating threshold; of an error, HTER",
    r"\bold threshold\b": "operating threshold",
    r"\brightful\b": "mated, or genuine",
    r"\bfalse pairs?\b": "non-mated pair",
    r"\bstrangers?\b": "impostor, non-mated, or another person",
    r"\bowners?\b": "genuine user, or mated pair",
    r"\bdoing nothing\b": "no-op baseline",
    r"\bfolder a person\b": "one folder per person",
    r"\brefused pairs?\b": "rejected pair",
}
# What is still left, by file; it may only shrink.
LEFT: dict[str, int] = {}  # what is not rewritten yet, by the name of the file
PAGES = [
    *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/how_to").glob("*.md"),
    *(ROOT / "notebooks").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb"),
]  # fmt: skip


def prose(path):
    """What a reader reads: text without code."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def found(path):
    text = re.sub(r"\s+", " ", prose(path))
    return {p: n for p in RETIRED if (n := len(re.findall(p, text, re.IGNORECASE)))}


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_retired_words_do_not_come_back(path):
    left = LEFT.get(path.name, 0)
    words = found(path)
    told = "; ".join(f"{n} × {p}: {RETIRED[p]}" for p, n in words.items())
    assert sum(words.values()) <= left, f"{path.name} may have {left}, and has {told}"


def test_what_is_left_belongs_to_files_that_are_there():
    assert set(LEFT) <= {path.name for path in PAGES}
    assert all(count > 0 for count in LEFT.values())


def test_words_in_code_and_across_lines_are_told_apart(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("The `in service` table.\n\n```\nold threshold\n```\n\nAn error in\nservice.")
    assert found(page) == {r"\bin service\b": 1}
