"""Where files go, and how they get there: whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eumlib._common.errors import EumlibError
from eumlib._common.settings import HOME_VARIABLE

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = PACKAGE_FOLDER.parent
DATA_FOLDER = PROJECT_FOLDER / "data"
NOTEBOOK_FOLDER = PROJECT_FOLDER / "notebooks"


def home() -> Path:
    """The cache folder: ``$EUMLIB_HOME``, or the platform's cache folder for ``eumlib``.

    Raises:
        EumlibError: the variable begins with a ``~`` that stands for nobody's home.
    """
    import platformdirs  # here alone: the doctor needs this module where packages are missing

    given = os.environ.get(HOME_VARIABLE) or platformdirs.user_cache_dir("eumlib")
    named = os.path.expanduser(given)  # no shell has done it in a .env file or a kernel.json
    if named.startswith("~"):
        raise EumlibError(f"{HOME_VARIABLE}={given}: there is no such home; write the whole path")
    return Path(os.path.realpath(named))  # which, unlike resolve(), lets circles of links pass


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it if the block ends without an error.

    A reader sees the old file or the whole new one, never half of it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        give_usual_mode(temporary, 0o666)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def give_usual_mode(path: Path, mode: int) -> None:
    """The permissions that a plain write gives; what `tempfile` makes is closed to all others."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(mode & ~umask)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def key_of(*parts: str) -> str:
    """A short name for a cache entry: the same parts always give the same sixteen digits.

    >>> key_of("orl", "seed 0") == key_of("orl", "seed 0") != key_of("orl", "seed 1")
    True
    """
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
