"""Named files, fetched once, checked, and kept in the cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from eumlib._common.errors import in_a_line
from eumlib._common.files import atomic_path, home, sha256_of
from eumlib._common.named_files import REGISTRY
from eumlib._common.settings import HOME_VARIABLE, QUIET_VARIABLE
from eumlib._common.sources import ArchiveMember, FetchError, NamedFile, remedies_for


def fetch(name: str, registry: Mapping[str, NamedFile] = REGISTRY) -> Path:
    """Path of the named file in the cache, fetched if it is missing or damaged.

    The SHA-256 is checked at every call. A file that fails the check is reported on standard error
    and fetched again. The sources are tried in order; what one gives is accepted if size and
    SHA-256 are right, and is not kept otherwise. Files appear in the cache complete or not at all.

    Raises:
        FetchError: `name` is not in the registry, no source gave the file, or the cache folder
            cannot be used.

    Taught in notebook 01.
    """
    if name not in registry:
        raise FetchError(f"no file named {name!r}; there are {', '.join(sorted(registry))}")
    file = registry[name]
    path = home() / "files" / name
    try:
        if path.exists():
            fault = _fault(path, file)
            if fault is None:
                return path
            _say(f"{path} {fault}; fetching it again.")
        _fetch_from_sources(file, path, registry)
    except OSError as error:
        raise FetchError(
            f"{name} cannot be put into the cache folder {path.parent}: {in_a_line(error)}, or "
            f"name another cache folder in the environment variable {HOME_VARIABLE}"
        ) from error
    return path


def _fault(path: Path, file: NamedFile) -> str | None:
    try:
        if sha256_of(path) == file.sha256:
            return None
    except PermissionError:  # another user's, in a cache that is shared
        return "may not be read by you"
    return f"is damaged (its SHA-256 is not {file.sha256[:8]}…)"


def _fetch_from_sources(file: NamedFile, path: Path, registry: Mapping[str, NamedFile]) -> None:
    failures: list[str] = []
    for source in file.sources:
        if not isinstance(source, ArchiveMember):  # its archive is announced where it is fetched
            _say(f"Fetching {file.name} ({file.size / 1e6:.0f} MB): {source.describe()}")
        try:
            with atomic_path(path) as part:
                source.download(part, partial(fetch, registry=registry))
                file.check(part)
            return
        except FetchError as error:  # that of a member's archive has failures of its own
            failures += error.failures or [f"{file.name}, {source.describe()}: {error}"]
            if source is not file.sources[-1]:
                _say(f"That failed ({failures[-1].splitlines()[0]}); trying the next source.")
    tried = "\n".join(f"  - {failure}" for failure in failures)
    raise FetchError(
        f"could not fetch {file.name} ({file.about}). Tried:\n"
        f"{tried}\n"
        f"  To mend it: {', or '.join(remedies_for(file, registry))},\n"
        f"  or copy the file from another machine's cache to {path}\n"
        f"  (the cache folder is set by the environment variable {HOME_VARIABLE}).",
        failures,
    )


def _say(line: str) -> None:
    if not os.environ.get(QUIET_VARIABLE):  # a report would keep the line for good
        print(line, file=sys.stderr, flush=True)
