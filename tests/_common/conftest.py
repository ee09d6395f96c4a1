import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def npm_does(tmp_path, monkeypatch):
    """Gives a function that puts an npm of one's own, in Python, on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"

    def write(does, folder=folder):
        folder.mkdir(exist_ok=True)
        npm = folder / "npm"
        npm.write_text(f"#!{python}\nimport json, os, shutil, subprocess, sys, time\n{does}\n")
        npm.chmod(0o755)
        return npm

    return write
