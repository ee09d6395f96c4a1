"""The workflow of continuous integration runs what CONTRIBUTING says that it does."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def test_it_runs_the_tests_on_three_systems_and_every_python():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert matrix == {
        "system": ["ubuntu-latest", "macos-latest", "windows-latest"],
        "python": ["3.11", "3.12", "3.13"],
    }
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "pytest --nbval-lax" in commands
    assert "--constraint constraints.txt" in commands
    assert "eumlib doctor" in commands
