"""The reference: a page for each room of the package, an entry for each name that it shows."""

import ast
import importlib
import inspect
from pathlib import Path

import eumlib

LONGEST_VALUE = 200  # characters


def setup(app):
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-skip-member", skip_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app):
    """One page per room, in ``reference/``."""
    folder = Path(app.srcdir) / "reference"
    folder.mkdir(exist_ok=True)
    for room in eumlib.ROOMS:
        (folder / f"{room}.rst").write_text("\n".join(_page(room)), encoding="utf-8")


def skip_fields(app, what, name, member, skip, options):
    """Leave out a named tuple's fields, which its docstring tells more of."""
    return True if type(member).__name__ == "_tuplegetter" else None


def _page(room):
    name = f"eumlib.{room}"
    yield from (room, "=" * len(room), "", f".. automodule:: {name}", "   :no-members:", "")
    yield from (f".. py:currentmodule:: {name}", "")
    for module, names in _list_of(room):
        told = importlib.import_module(f"{name}.{module}").__doc__.partition("\n\n")[0]
        yield from (module, "-" * len(module), "", told, "")
        for shown in names:
            yield from _entry(name, shown)


def _list_of(room):
    """Each module of the room's ``.pyi``, and the names that the room shows of it."""
    stub = Path(importlib.import_module(f"eumlib.{room}").__file__).with_suffix(".pyi")
    for line in ast.parse(stub.read_text(encoding="utf-8")).body:
        yield line.module, [alias.asname or alias.name for alias in line.names]


def _entry(room, name):
    shown = getattr(importlib.import_module(room), name)
    if inspect.isclass(shown):
        return (f".. autoclass:: {room}.{name}", "   :members:", "")
    if inspect.isfunction(shown):
        return (f".. autofunction:: {room}.{name}", "")
    value = " ".join(repr(shown).split())
    listed = [f"   :value: {value}"] if len(value) < LONGEST_VALUE and value[0] != "<" else []
    return (f".. py:data:: {name}", f"   :type: {type(shown).__name__}", *listed, "")
