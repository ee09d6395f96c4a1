"""The glossary as Sphinx's own, and links to it, and to notebooks, from every text.

A term is linked where a page first uses it, from the notebook on that explains it; a notebook
wherever its number stands.
"""

import re
from itertools import groupby
from pathlib import Path

from docutils import nodes

# Everyday words, too: they are linked where a notebook sets them in bold, as terms.
EVERYDAY = {"departure", "negative", "positive", "reach", "reference", "validation"}
_ENTRY = re.compile(r"^- \*\*(.+?)\*\* \((\d\d)\): (.+)$", re.MULTILINE)
_SEE = re.compile(r"\bsee \*(.+?)\*")
_NUMBERS = re.compile(
    r"(?:(?<=[Nn]otebook )|(?<=[Nn]otebooks ))\d\d(?:(?:, | and | to | or )\d\d)*"
    r"|(?<![\w.:/−-])0\d(?![\w%]|[.,:-]\d)|^ \d\d(?=[,.])"
)
_NEVER_IN = (
    nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block,
    nodes.raw, nodes.comment, nodes.caption,
)  # fmt: skip


def setup(app):
    """Write the glossary before Sphinx looks for it, and link once all pages are known."""
    app.connect("source-read", as_glossary)
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def entries_of(text):
    """Each term of the glossary's list, its notebook's number, and what it says."""
    return _ENTRY.findall(text)


def as_glossary(app, docname, source):
    """Turn the list of terms into a glossary that can be linked to, letter by letter."""
    if docname != "notebooks/GLOSSARY":
        return
    lines = [source[0][: source[0].index("\n- ")]]
    for letter, entries in groupby(entries_of(source[0]), key=lambda entry: entry[0][0].upper()):
        lines += ["", f"## {letter}", "", "```{glossary}"]
        for term, number, told in entries:
            told = _SEE.sub(r"see {term}`\1`", told)
            lines += [term, f"  {told} Notebook {number}.", ""]
        lines.append("```")
    source[0] = "\n".join(lines) + "\n"


def link(app, doctree, docname):
    """Put links into the text of a page."""
    words = _Words(app, docname)
    for text in list(doctree.findall(nodes.Text)):
        if not _inside(text, _NEVER_IN):
            bold = isinstance(text.parent, nodes.strong)
            text.parent.replace(text, list(words.linked(text.astext(), bold)))


def _inside(node, kinds):
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


class _Words:
    """What can be linked on one page, and the terms that are linked already."""

    def __init__(self, app, docname):
        def address(name):
            return app.builder.get_relative_uri(docname, name)

        notebooks = [name for name in app.env.found_docs if re.match(r"notebooks/\d\d_", name)]
        self._notebooks = {
            Path(name).name[:2]: (address(name), app.env.titles[name].astext())
            for name in notebooks
        }
        self._here = Path(docname).name[:2] if docname in notebooks else None
        labels = app.env.get_domain("std").objects
        self._terms = {}
        if docname.startswith("reference/") or docname == "notebooks/GLOSSARY":
            listed = []
        else:
            listed = entries_of(Path(app.srcdir, "notebooks/GLOSSARY.md").read_text("utf-8"))
        for term, number, told in listed:
            if self._here is None or number <= self._here:
                place, label = labels["term", term]
                self._terms[term.casefold()] = f"{address(place)}#{label}", told.replace("*", "")
        listed = sorted(map(re.escape, self._terms), key=len, reverse=True)
        terms = rf"(?<![\w-])(?P<term>{'|'.join(listed)})(?:e?s)?(?![\w-])" if listed else "(?!)"
        self._pattern = re.compile(rf"(?P<numbers>{_NUMBERS.pattern})|{terms}", re.IGNORECASE)

    def linked(self, text, bold):
        """The text in pieces, some of which are links."""
        done = 0
        for found in self._pattern.finditer(text):
            yield nodes.Text(text[done : found.start()])
            if found["numbers"]:
                yield from map(self._number, re.split(r"(\d\d)", found[0]))
            else:
                yield self._term(found[0], found["term"].casefold(), bold)
            done = found.end()
        yield nodes.Text(text[done:])

    def _number(self, text):
        if text == self._here or text not in self._notebooks:
            return nodes.Text(text)
        address, title = self._notebooks[text]
        return nodes.reference("", text, refuri=address, reftitle=title, internal=True)

    def _term(self, text, term, bold):
        if term not in self._terms or (term in EVERYDAY and not bold):
            return nodes.Text(text)
        address, told = self._terms.pop(term)
        return nodes.reference(
            "", text, refuri=address, reftitle=told, internal=True, classes=["term"]
        )
