"""How fast dlib's recogniser is in PyTorch, beside dlib's own, on one core, and on a GPU.

``python benchmarks/embedding.py --out benchmarks/embedding.md``
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import dlib
import numpy as np
import torch
import typer
from publishing import publish
from torch import nn
from torch.nn import functional

from eumlib._common.fetching import fetch
from eumlib.embeddings import FAILURES_TO_ACQUIRE, TorchBackbone, default_backbone, unit_length
from eumlib.faces import landmark_finder, load_faces

ROUNDS = 5
BATCH_SIZES = (1, 4, 16, 64, 128)
GPU_BATCH_SIZES = (64, 256, 1024)
GPU_CHIPS = 4096
HALF_TOLERANCE = 0.01  # Euclidean, at unit length, where two people are 0.5 apart


def aligned_chips(count: int, align: Callable) -> np.ndarray:
    """The chips of the first faces of ORL that are found."""
    chips = []
    for face in load_faces("orl"):
        if len(chips) == count:
            break
        try:
            picture = face.read()
            chips.append(align(picture, landmark_finder().find(picture)))
        except FAILURES_TO_ACQUIRE:
            continue
    return np.stack(chips)


def seconds(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(functions: dict[object, Callable[[], object]]) -> dict[object, np.ndarray]:
    """Seconds of each function in `ROUNDS` rounds; each round calls them all, one after another."""
    for function in functions.values():
        function()
    rounds = [
        {key: seconds(function) for key, function in functions.items()} for _ in range(ROUNDS)
    ]
    return {key: np.array([each[key] for each in rounds]) for key in functions}


def convolution_operations(network: nn.Module, chip_size: int) -> int:
    """Multiplications and additions in the convolutions of one face."""
    counts = []

    def count(layer: nn.Conv2d, _inputs: object, output: torch.Tensor) -> None:
        counts.append(2 * output.numel() * layer.weight[0].numel())

    hooks = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    with torch.inference_mode():
        network(torch.zeros(1, 3, chip_size, chip_size))
    for hook in hooks:
        hook.remove()
    return sum(counts)


def machine_speeds() -> dict[str, float]:
    """Operations a second in a large matrix product and in a large convolution, the best rounds."""
    matrix = torch.randn(2048, 2048)
    pixels = torch.randn(16, 256, 32, 32).to(memory_format=torch.channels_last)
    filters = torch.randn(256, 256, 3, 3).to(memory_format=torch.channels_last)
    operations = {
        "a matrix product of 2048 × 2048": 2 * 2048**3,
        "a 3 × 3 convolution of 256 channels": 2 * pixels.numel() * filters[0].numel(),
    }
    functions = [lambda: matrix @ matrix, lambda: functional.conv2d(pixels, filters, padding=1)]
    with torch.inference_mode():
        taken = interleaved(dict(zip(operations, functions, strict=True)))
    return {key: operations[key] / taken[key].min() for key in operations}


def beside_dlib(backbone: TorchBackbone, chips: np.ndarray) -> list[str]:
    """The table of both recognisers on one core, and what the core could do."""
    own = dlib.face_recognition_model_v1(str(fetch("dlib_face_recognition_resnet_model_v1.dat")))
    taken = interleaved(
        {
            "dlib": lambda: own.compute_face_descriptor(list(chips)),
            f"PyTorch, batches of {backbone.batch_size}": lambda: backbone.embed(chips),
        }
    )
    theirs, ours = taken.values()
    expected = np.array([np.array(own.compute_face_descriptor(chip)) for chip in chips])
    difference = np.abs(backbone.embed(chips) - expected).max()
    operations = convolution_operations(backbone.module, backbone.chip_size)
    speeds = machine_speeds()
    lines = ["| recogniser | ms a face | faces a second | GFLOP/s | share of the core |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for name, rounds in taken.items():
        face = np.median(rounds) / len(chips)
        speed = operations / face
        lines.append(
            f"| {name} | {1000 * face:.2f} | {1 / face:.1f} | {speed / 1e9:.1f} "
            f"| {speed / max(speeds.values()):.0%} |"
        )
    ratios = theirs / ours
    able = "; ".join(f"{speed / 1e9:.0f} GFLOP/s in {name}" for name, speed in speeds.items())
    return [
        *lines,
        "",
        f"PyTorch is {np.median(ratios):.1f} times as fast ({ratios.min():.1f} to "
        f"{ratios.max():.1f} in {ROUNDS} rounds, each with both); the embeddings differ by "
        f"{difference:.0e} at most. The convolutions of a face are {operations / 1e9:.3f} GFLOP, a "
        f"multiplication and an addition counted as two. The core does {able}.",
    ]


def by_batch_size(backbone: TorchBackbone, chips: np.ndarray) -> list[str]:
    """The table of batch sizes on one core."""
    usual = backbone.batch_size

    def embed(size: int) -> None:
        backbone.batch_size = size
        backbone.embed(chips)

    taken = interleaved({size: lambda size=size: embed(size) for size in BATCH_SIZES})
    backbone.batch_size = usual
    return ["| chips a batch | ms a face |", "| --- | --- |"] + [
        f"| {size} | {1000 * np.median(rounds) / len(chips):.2f} |"
        for size, rounds in taken.items()
    ]


def on_gpu(backbone: TorchBackbone, chips: np.ndarray) -> list[str]:
    """The table of batch sizes on the GPU, in single and, where it is close enough, in half."""
    if not torch.cuda.is_available():
        return ["GPU: no GPU here."]
    exact = unit_length(backbone.embed(chips))
    backbone.module.to("cuda")
    single = unit_length(backbone.embed(chips))
    with torch.autocast("cuda", torch.float16):
        half = unit_length(backbone.embed(chips))
    many, usual = chips[np.arange(GPU_CHIPS) % len(chips)], backbone.batch_size

    def embed(size: int, in_half: bool) -> None:
        backbone.batch_size = size
        with torch.autocast("cuda", torch.float16, enabled=in_half):
            backbone.embed(many)

    change = np.linalg.norm(half - exact, axis=1).max()
    kinds = {"float32": False} | ({"float16": True} if change < HALF_TOLERANCE else {})
    taken = interleaved(
        {
            (kind, size): lambda size=size, in_half=in_half: embed(size, in_half)
            for kind, in_half in kinds.items()
            for size in GPU_BATCH_SIZES
        }
    )
    backbone.batch_size = usual
    return [
        "| GPU | chips a batch | faces a second |",
        "| --- | --- | --- |",
        *(
            f"| {kind} | {size} | {GPU_CHIPS / np.median(rounds):.0f} |"
            for (kind, size), rounds in taken.items()
        ),
        "",
        f"GPU: {torch.cuda.get_device_name()}, chips in and embeddings out through main memory. "
        f"Embeddings of unit length move by {np.linalg.norm(single - exact, axis=1).max():.0e} in "
        f"float32 and by {change:.0e} with float16 autocast, whose rows are shown if that is less "
        f"than {HALF_TOLERANCE}.",
    ]


def main(
    count: Annotated[int, typer.Option(min=2, help="chips of ORL")] = 128,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Embed the same chips with both recognisers, in turn, on one core; then on a GPU, if any."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    backbone = default_backbone()
    backbone.module.to("cpu")
    chips = aligned_chips(count, backbone.align)
    lines = [f"# Embedding {len(chips)} aligned chips of ORL, one core", ""]
    lines += [*beside_dlib(backbone, chips), "", *by_batch_size(backbone, chips), ""]
    lines += [*on_gpu(backbone, chips), ""]
    lines.append(
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, dlib {dlib.__version__}."
    )
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
