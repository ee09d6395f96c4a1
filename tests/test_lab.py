"""The settings that JupyterLab starts with: `make lab`."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import validate
from jupyterlab.commands import get_app_dir
from jupyterlab_server.settings_utils import get_settings

ROOT = Path(__file__).parent.parent
SCHEMAS = Path(get_app_dir()) / "schemas"
GIVEN = json.loads((ROOT / "lab" / "overrides.json").read_text(encoding="utf-8"))


def served(folder, plugin, tmp_path):
    """What the server tells a browser to start with."""
    answer, warnings = get_settings(str(folder), str(SCHEMAS), str(tmp_path), plugin)
    assert not any(warnings)
    return {name: part.get("default") for name, part in answer["schema"]["properties"].items()}


@pytest.mark.parametrize("plugin", GIVEN)
def test_lab_knows_the_settings_and_takes_them(plugin, tmp_path):
    folder, _, name = plugin.partition(":")
    schema = json.loads((SCHEMAS / folder / f"{name}.json").read_text(encoding="utf-8"))
    assert set(GIVEN[plugin]) <= set(schema["properties"])
    validate(GIVEN[plugin], schema)
    assert served(ROOT / "lab", plugin, tmp_path).items() >= GIVEN[plugin].items()
    assert not served(tmp_path, plugin, tmp_path).items() >= GIVEN[plugin].items()


@pytest.mark.parametrize("path", ["Makefile", "docs/how_to/install.md"])
def test_lab_is_started_with_that_folder(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    (folder,) = re.findall(r"jupyterlab notebooks --LabApp\.app_settings_dir=(\S+)", text)
    assert (ROOT / folder / "overrides.json").is_file()
