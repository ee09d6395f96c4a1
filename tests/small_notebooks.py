"""Notebooks of a few cells, for whatever runs notebooks."""

import nbformat

from eumlib._reports.notebooks import read_notebook

OPENING = "# Count the faces\n\n**Time:** 1 minute on two cores."
PARAMETERS = "people = 4  # how many\nface_set = 'orl'  # which\nshare = 0.5"


def write_notebook(folder, name="01_count_faces", cells=(), opening=OPENING, parameters=PARAMETERS):
    """The path of a new notebook; `cells` are a source and its tags each."""
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    book.cells = [nbformat.v4.new_markdown_cell(opening), nbformat.v4.new_code_cell(parameters)]
    book.cells[1].metadata["tags"] = ["parameters"]
    for source, *tags in cells:
        book.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path = folder / f"{name}.ipynb"
    nbformat.write(book, path)
    return path


def small_notebook(folder, name="01_count_faces", **parts):
    """The same, read."""
    return read_notebook(write_notebook(folder, name, **parts))
