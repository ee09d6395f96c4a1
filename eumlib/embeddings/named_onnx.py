"""Recognisers that are fetched by name, for those who have the open internet: ONNX files.

All read chips of 112 × 112, (x − 127.5) / 127.5, and give 512 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from eumlib._common.fetching import fetch
from eumlib._common.named_files import REGISTRY
from eumlib._common.sources import NamedFile
from eumlib.embeddings.arcface import BGR, RGB, OnnxBackbone, require_onnx


class NamedOnnx(NamedTuple):
    """A recogniser by name.

    Attributes:
        file: its name in the registry of files.
        channels: the order in which it reads red, 0, green, 1, and blue, 2.
    """

    file: str
    channels: tuple[int, int, int]


NAMED_ONNX: Mapping[str, NamedOnnx] = {
    "arcface_r50": NamedOnnx("w600k_r50.onnx", RGB),
    "arcface_mobilefacenet": NamedOnnx("w600k_mbf.onnx", RGB),
    # "our pretrained model takes the input in BGR color channel": github.com/mk-minchul/AdaFace
    "adaface_ir101": NamedOnnx("adaface_ir_101.onnx", BGR),
}


def load_named_onnx(name: str, registry: Mapping[str, NamedFile] = REGISTRY) -> OnnxBackbone:
    """A recogniser of `NAMED_ONNX`, its file fetched where it is not in the cache.

    Its licence is named on standard error, once a process.

    Args:
        name: of the recogniser, and its name in tables of embeddings.
        registry: of files to fetch.

    Raises:
        KeyError: there is no recogniser of that name.
        BackboneError: ONNX Runtime is missing, which is found before anything is fetched.
        FetchError: the file could not be had.
    """
    file, channels = NAMED_ONNX[name]
    require_onnx()
    return OnnxBackbone(fetch(file, registry), name, registry[file].licence, channels)
