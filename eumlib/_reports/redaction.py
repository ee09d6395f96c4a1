"""Take paths of this machine, and with them the user's name, out of what others will read."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from eumlib._common.files import PROJECT_FOLDER, home
from eumlib._common.settings import LFW_VARIABLE

# Not inside a word or base64, in which slashes are letters; colours of tracebacks may stand before.
_BEFORE = r"(\x1b\[[\d;]*m|(?<![A-Za-z0-9+/]))(?:file://)?"
_AFTER = r"(?![\w-])"
_HOME_OF_ANYONE = re.compile(_BEFORE + r"(?:/home|/Users|[A-Za-z]:\\{1,2}Users)[/\\]+[\w.-]+")


def redactor(
    parameters: Mapping[str, object] = MappingProxyType({}),
) -> Callable[[object], object]:
    """A function that replaces this machine's folders in a text, list or mapping by short names.

    Of files in the project's folder and in the current one the rest of the path is left, the cache
    becomes ``cache``, installed packages ``site-packages``, temporary files ``tmp`` and the user's
    home ``~``. Of a path that a parameter or ``EUMLIB_LFW`` names the last part is left.

    >>> redactor()({"faces": [str(Path.home() / "faces")]})
    {'faces': ['~/faces']}
    """
    given = [*parameters.values(), os.environ.get(LFW_VARIABLE)]
    replacements = _replacements([Path(v) for v in given if isinstance(v, str) and v])

    def redact(value: object) -> object:
        if isinstance(value, str):
            for pattern, name in replacements:
                value = pattern.sub(rf"\1{name}", value)
            return value
        if isinstance(value, Mapping):
            return type(value)({key: redact(part) for key, part in value.items()})
        if isinstance(value, list):
            return [redact(part) for part in value]
        return value

    return redact


def _replacements(given: Iterable[Path]) -> list[tuple[re.Pattern[str], str]]:
    paths = sysconfig.get_paths()
    names = {str(path): path.name for path in given if path.is_absolute()} | {
        str(PROJECT_FOLDER): ".",
        str(Path.cwd()): ".",
        str(home()): "cache",
        paths["purelib"]: "site-packages",
        paths["platlib"]: "site-packages",
        paths["stdlib"]: "python",
        sys.prefix: "environment",
        sys.base_prefix: "environment",
        tempfile.gettempdir(): "tmp",
        str(Path.home()): "~",
    }
    for folder, name in list(names.items()):
        names[str(Path(folder).resolve())] = name
        if Path.home() in Path(folder).parents:  # as tracebacks write it
            names[str("~" / Path(folder).relative_to(Path.home()))] = name
    for folder, name in list(names.items()):
        names[folder.replace("\\", "\\\\")] = name  # as Python writes them out
    patterns = []
    # What lies in another of these folders comes before it; none of them is the whole disk.
    for folder in sorted(filter(lambda folder: len(folder) > 3, names), key=len, reverse=True):
        start = _BEFORE + re.escape(folder)
        if names[folder] == ".":
            patterns.append((re.compile(start + r"[/\\]+(?=\w)"), ""))
        patterns.append((re.compile(start + _AFTER), names[folder]))
    return [*patterns, (_HOME_OF_ANYONE, "~")]
