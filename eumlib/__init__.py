"""Unmask face embeddings: the small library under the notebooks.

It has nine rooms, in the order in which data flows and in which they import from one another::

    faces → masks → embeddings → unmasking → verification → maps → study → rivals → course

``import eumlib`` loads none of them; ``eumlib.unmasking`` loads what is asked of it. Rooms whose
names begin with an underscore are the machinery behind: what all rooms share (``_common``), reports
(``_reports``) and the command line (``_commands``).
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"
ROOMS = (
    "faces",
    "masks",
    "embeddings",
    "unmasking",
    "verification",
    "maps",
    "study",
    "rivals",
    "course",
)


def __getattr__(name: str) -> ModuleType:
    if name in ROOMS:
        return importlib.import_module(f"eumlib.{name}")
    raise AttributeError(f"eumlib has no {name!r}; its rooms are {', '.join(ROOMS)}")


def __dir__() -> list[str]:
    return [*ROOMS, "__version__"]
