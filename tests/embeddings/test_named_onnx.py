"""Recognisers by name, their files served by this machine: small ones, of the same form."""

import hashlib
import sys
from dataclasses import replace

import numpy as np
import pytest
from small_onnx import drawn_chips, expected, write

from eumlib._common.named_files import REGISTRY
from eumlib._common.sources import FetchError, WebAddress
from eumlib.embeddings import NAMED_ONNX, BackboneError, OnnxBackbone, load_backbone

NAMES = ["arcface_r50", "arcface_mobilefacenet", "adaface_ir101"]
FILE = "w600k_r50.onnx"  # arcface_r50's


@pytest.fixture
def registry(server):
    """The project's entries of these files, with small ones and their address here."""
    entries = {}
    for file, _ in NAMED_ONNX.values():
        content = write(server.folder / file).read_bytes()
        entries[file] = replace(
            REGISTRY[file],
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            sources=(WebAddress(f"{server.address}/{file}"),),
        )
    return entries


def kept(home):
    return [path.name for path in (home / "files").iterdir()] if home.exists() else []


def test_these_recognisers_have_names():
    assert list(NAMED_ONNX) == NAMES
    assert {file for file, _ in NAMED_ONNX.values()} <= set(REGISTRY)


@pytest.mark.parametrize("name", NAMES)
def test_a_recogniser_is_fetched_by_its_name_and_embeds(name, registry, own_home):
    backbone = load_backbone(name, registry)
    chips = drawn_chips(5)
    order = chips[..., ::-1] if name == "adaface_ir101" else chips  # AdaFace reads BGR
    np.testing.assert_allclose(backbone.embed(chips), expected(order), atol=1e-5)
    assert backbone.name == name
    assert kept(own_home) == [NAMED_ONNX[name].file]


def test_its_fingerprint_is_not_that_of_the_same_file_under_another_name(registry, own_home):
    backbone = load_backbone("arcface_r50", registry)
    assert backbone.fingerprint != OnnxBackbone(own_home / "files" / FILE).fingerprint


def test_its_licence_is_said_once_and_its_file_is_fetched_once(registry, server, own_home, capsys):
    for _ in range(2):
        load_backbone("arcface_r50", registry)
    assert server.paths_asked == [f"/{FILE}"]
    fetching, licence = capsys.readouterr().err.splitlines()
    assert fetching.startswith(f"Fetching {FILE} (")
    assert licence == f"{FILE}: {REGISTRY[FILE].licence}"
    assert "non-commercial research" in licence


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("tampered", "not the file that is expected"),
        ("truncated", "bytes, not the file that is expected"),
        ("cut off", "IncompleteRead|Connection broken"),
        ("missing", "404"),
        ("no server", "onnection"),
    ],
)
def test_a_file_that_cannot_be_had_is_said_with_the_mend_and_not_kept(
    fault, why, registry, server, own_home
):
    served = server.folder / FILE
    content = served.read_bytes()
    match fault:
        case "tampered":
            served.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "truncated":
            served.write_bytes(content[: len(content) // 2])
        case "cut off":
            server.cut_off.add(f"/{FILE}")
        case "missing":
            served.unlink()
        case "no server":
            nowhere = WebAddress(f"http://127.0.0.1:9/{FILE}")
            registry[FILE] = replace(registry[FILE], sources=(nowhere,))
    with pytest.raises(FetchError, match=why) as failure:
        load_backbone("arcface_r50", registry)
    assert str(own_home / "files" / FILE) in str(failure.value)
    assert registry[FILE].sources[0].url in str(failure.value)
    assert kept(own_home) == []


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_said_before_anything_is_fetched(
    package, registry, server, own_home, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BackboneError, match=rf'{package}: pip install --editable "\.\[arcface\]"'):
        load_backbone("arcface_r50", registry)
    assert server.paths_asked == []
    assert kept(own_home) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_name_is_answered_with_those_there_are(name):
    with pytest.raises(BackboneError, match=name):
        load_backbone("arcface_r100")
