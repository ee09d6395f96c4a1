"""Where files go, and how they get there: whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from eumlib._common.errors import EumlibError
from eumlib._common.settings import HOME_VARIABLE

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
PROJECT_FOLDER = PACKAGE_FOLDER.parent
DATA_FOLDER = PROJECT_FOLDER / "data"
NOTEBOOK_FOLDER = PROJECT_FOLDER / "notebooks"
_SCRATCH, _LOCK = ".eumlib-", ".eumlib-lock"


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
    """A path to write to, moved onto `path` if the block ends without an error.

    A reader sees the old file or the whole new one, never half of it, nor after a power cut.

    Raises:
        OSError: it cannot be written there; `filename` is `path`, whatever was being written.
    """
    path = Path(path)
    try:
        _refuse_what_is_no_file(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(path.parent) as folder:
            yield folder / path.name
            with (folder / path.name).open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(folder / path.name, path)
    except OSError as error:
        if error.filename is None or _SCRATCH in str(error.filename):
            error.filename, error.filename2 = str(path), None
        raise


def _refuse_what_is_no_file(path: Path) -> None:
    """To move a file onto a device or a pipe would replace it, and onto a folder fails late."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))


def try_to_write(*paths: Path | None) -> None:
    """Find out before long work whether files can be written at these paths; nothing is left.

    Raises:
        OSError: one cannot be, and its `filename` says which.
    """
    for path in filter(None, paths):
        there = next(parent for parent in path.absolute().parents if parent.exists())
        try:
            _refuse_what_is_no_file(path)
            with scratch_folder(there) as folder:
                tried = folder / path.absolute().relative_to(there)
                tried.parent.mkdir(parents=True, exist_ok=True)
                tried.write_text("tried")
        except OSError as error:
            error.filename, error.filename2 = str(path), None
            raise


@contextmanager
def scratch_folder(parent: Path | str | None = None) -> Iterator[Path]:
    """An empty folder for what is not finished, gone when the block ends.

    What a process that was killed has left in `parent` is removed first; what belongs to one that
    is alive is not, since that holds a lock in it.

    Args:
        parent: where it is made; the system's folder for temporary files without it.
    """
    parent = Path(parent or tempfile.gettempdir())
    _sweep(parent.absolute())
    folder, lock = _locked_folder(parent)
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _locked_folder(parent: Path) -> tuple[Path, object]:
    from filelock import FileLock, Timeout  # here alone, as above

    while True:
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=parent))
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
            return folder, lock
        except (Timeout, FileNotFoundError):  # swept before it was locked
            continue


@cache  # once in a process: folders of many files take their time
def _sweep(parent: Path) -> None:
    from filelock import FileLock, Timeout

    with suppress(OSError):
        folders = [entry for entry in os.scandir(parent) if entry.name.startswith(_SCRATCH)]
        for entry in filter(_is_own_folder, folders):
            with suppress(OSError, Timeout):
                if not os.path.exists(os.path.join(entry.path, _LOCK)):
                    os.rmdir(entry.path)  # of one that was killed before it had locked it
                    continue
                with FileLock(os.path.join(entry.path, _LOCK), timeout=0):
                    shutil.rmtree(entry.path, ignore_errors=True)
                shutil.rmtree(entry.path, ignore_errors=True)  # Windows keeps a file that is open


def _is_own_folder(entry: os.DirEntry) -> bool:
    owned = not hasattr(os, "getuid") or entry.stat(follow_symlinks=False).st_uid == os.getuid()
    return owned and entry.is_dir(follow_symlinks=False)


def sweep_home() -> None:
    """Remove from the cache folder what processes that were killed have left."""
    with suppress(OSError):
        for entry in os.scandir(home()):
            if entry.is_dir():
                _sweep(Path(entry.path))


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
