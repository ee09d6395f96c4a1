"""Which state of this project made a file, with what, and on what machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from eumlib._common.files import PROJECT_FOLDER

PROJECT = PROJECT_FOLDER / "pyproject.toml"


def source_state() -> dict[str, object]:
    """``commit`` (None outside a git checkout), and whether there are ``uncommitted_changes``."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain")),
    }


def needed_packages() -> dict[str, str]:
    """The packages that this one needs, each with the lowest version that will do."""
    if PROJECT.is_file():
        lines = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:  # installed without its checkout
        lines = [line for line in requires("eumlib") or [] if ";" not in line]
    return dict(line.split(">=") for line in lines)


def package_versions() -> dict[str, str]:
    """The versions of this package and of all that it needs, by name."""
    versions = {}
    for name in ("eumlib", *needed_packages()):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # installed under another name, as from conda
            versions[name] = "unknown"
    return versions


def machine_state() -> dict[str, object]:
    """``python``, ``system``, ``cpu``, ``cores``, PyTorch's ``threads``, ``gpu`` and ``device``."""
    import torch  # here alone: the versions can be read where it is missing

    gpu = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "device": torch.cuda.get_device_name() if gpu else "CPU",
    }


def _cpu() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        described = ""
    stated = {
        name: re.search(rf"^{name}\s*: (.+)$", described, re.MULTILINE)
        for name in ("model name", "cpu family", "model", "flags")
    }
    if not all(stated.values()):
        return platform.processor() or platform.machine()
    name, family, model, flags = (found[1] for found in stated.values())
    vectors = [flag for flag in ("avx", "avx2", "avx512f") if flag in flags.split()]
    return f"{name}, family {family}, model {model}, {' '.join(vectors)}"


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(PROJECT_FOLDER), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
