"""What all tests share: widgets show their static twins, and nbval sees stored outputs only."""

import json
import os
from pathlib import Path

pytest_plugins = ["pytester"]

os.environ.setdefault("EUMLIB_STATIC", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve worker processes


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave notebooks without stored outputs to papermill: nbval has nothing to compare there."""
    if collection_path.suffix != ".ipynb":
        return None
    cells = json.loads(collection_path.read_text(encoding="utf-8"))["cells"]
    return True if not any(cell.get("outputs") for cell in cells) else None
