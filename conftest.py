"""What all tests share: static twins of widgets, stored outputs for nbval, repeatable examples."""

import json
import os
from pathlib import Path

from hypothesis import settings

pytest_plugins = ["pytester"]

os.environ.setdefault("EUMLIB_STATIC", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve worker processes

# The same examples at every run, which a busy machine may take its time over.
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.load_profile("suite")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave notebooks without stored outputs to papermill: nbval has nothing to compare there."""
    if collection_path.suffix != ".ipynb":
        return None
    cells = json.loads(collection_path.read_text(encoding="utf-8"))["cells"]
    return True if not any(cell.get("outputs") for cell in cells) else None
