"""Which state of this project made a file."""

from __future__ import annotations

import subprocess

from eumlib.files import DATA_FOLDER


def source_state() -> dict[str, object]:
    """``commit`` (None outside a git checkout), and whether there are ``uncommitted_changes``."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain")),
    }


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(DATA_FOLDER), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
