"""How fast MobileFaceNet is in PyTorch, beside LiteRT and dlib's ResNet, one core; and on a GPU.

``python benchmarks/embedding.py --out benchmarks/results/embedding.md``
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from ai_edge_litert.interpreter import Interpreter
from publishing import publish
from torch import nn
from torch.nn import functional

from eumlib._common.fetching import fetch
from eumlib.embeddings import (
    DLIB_RESNET,
    FAILURES_TO_ACQUIRE,
    TorchBackbone,
    default_backbone,
    load_backbone,
    unit_length,
)
from eumlib.faces import landmark_finder, load_faces

ROUNDS = 5
BATCH_SIZES = (1, 4, 16, 64)
GPU_BATCH_SIZES = (64, 256, 1024)
GPU_CHIPS = 4096
HALF_TOLERANCE = 0.01  # Euclidean, at unit length, where two people are about 1.4 apart
LITERT = "MobileFaceNet, LiteRT"


class LiteRt:
    """MobileFaceNet's own file in LiteRT on one core; it takes two chips at a time, no more."""

    def __init__(self) -> None:
        self._interpreter = Interpreter(str(fetch("mobilefacenet.tflite")), num_threads=1)
        self._interpreter.allocate_tensors()
        self._given = self._interpreter.get_input_details()[0]["index"]
        self._made = self._interpreter.get_output_details()[0]["index"]

    def embed(self, chips: np.ndarray) -> np.ndarray:
        """``(n, 112, 112, 3)`` uint8, n even, to ``(n, 192)`` float32."""
        embeddings = []
        for pair in chips.reshape(-1, 2, *chips.shape[1:]):
            pixels = (pair.astype(np.float32) - 127.5) / 128
            self._interpreter.set_tensor(self._given, pixels)
            self._interpreter.invoke()
            embeddings.append(self._interpreter.get_tensor(self._made).copy())
        return np.concatenate(embeddings)


def aligned_chips(count: int, *backbones: TorchBackbone) -> list[np.ndarray]:
    """For each recogniser the chips of the first faces of ORL that are found."""
    chips = []
    for face in load_faces("orl"):
        if len(chips) == count:
            break
        try:
            picture = face.read()
            landmarks = landmark_finder().find(picture)
        except FAILURES_TO_ACQUIRE:
            continue
        chips.append([backbone.align(picture, landmarks) for backbone in backbones])
    return [np.stack(of_one) for of_one in zip(*chips, strict=True)]


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


def embed(backbone: TorchBackbone, chips: np.ndarray, size: int) -> np.ndarray:
    """Embeddings in batches of that size; the recogniser is left as it was."""
    usual, backbone.batch_size = backbone.batch_size, size
    try:
        return backbone.embed(chips)
    finally:
        backbone.batch_size = usual


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


def side_by_side(recognisers: dict[str, tuple[TorchBackbone, np.ndarray]]) -> list[str]:
    """The table of all recognisers and batch sizes on one core, and what the core could do."""
    (ours, chips), *_ = recognisers.values()
    litert = LiteRt()
    functions = {(LITERT, 2): lambda: litert.embed(chips)} | {
        (name, size): lambda backbone=backbone, given=given, size=size: embed(backbone, given, size)
        for name, (backbone, given) in recognisers.items()
        for size in BATCH_SIZES
    }
    taken = interleaved(functions)
    speeds = machine_speeds()
    operations = {
        name: convolution_operations(backbone.module, backbone.chip_size)
        for name, (backbone, _) in recognisers.items()
    }
    counted = "; ".join(f"{count / 1e9:.3f} GFLOP for {name}" for name, count in operations.items())
    operations[LITERT] = operations[next(iter(recognisers))]
    lines = ["| recogniser | chips a batch | ms a face | GFLOP/s | share of the core |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for (name, size), rounds in taken.items():
        face = np.median(rounds) / len(chips)
        speed = operations[name] / face
        lines.append(
            f"| {name} | {size} | {1000 * face:.2f} | {speed / 1e9:.1f} "
            f"| {speed / max(speeds.values()):.0%} |"
        )
    usual = next(iter(recognisers)), ours.batch_size
    ratios = taken[LITERT, 2] / taken[usual]
    difference = np.abs(unit_length(litert.embed(chips)) - unit_length(ours.embed(chips))).max()
    able = "; ".join(f"{speed / 1e9:.0f} GFLOP/s in {name}" for name, speed in speeds.items())
    return [
        *lines,
        "",
        f"At its usual batches of {ours.batch_size} PyTorch is {np.median(ratios):.1f} times as "
        f"fast as LiteRT ({ratios.min():.1f} to {ratios.max():.1f} in {ROUNDS} rounds, each with "
        f"all); the embeddings of unit length differ by {difference:.0e} at most. The convolutions "
        f"of a face, a multiplication and an addition counted as two: {counted}. The core does "
        f"{able}.",
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
    many = chips[np.arange(GPU_CHIPS) % len(chips)]

    def embed_many(size: int, in_half: bool) -> None:
        with torch.autocast("cuda", torch.float16, enabled=in_half):
            embed(backbone, many, size)

    change = np.linalg.norm(half - exact, axis=1).max()
    kinds = {"float32": False} | ({"float16": True} if change < HALF_TOLERANCE else {})
    taken = interleaved(
        {
            (kind, size): lambda size=size, in_half=in_half: embed_many(size, in_half)
            for kind, in_half in kinds.items()
            for size in GPU_BATCH_SIZES
        }
    )
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
    count: Annotated[int, typer.Option(min=2, help="chips of ORL, an even number")] = 64,
    out: Annotated[Path | None, typer.Option(help="markdown file to write")] = None,
) -> None:
    """Embed the same faces with all recognisers, in turn, on one core; then on a GPU, if any."""
    if count % 2:
        raise typer.BadParameter("LiteRT's file takes two chips at a time", param_hint="--count")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    ours, dlibs = default_backbone(), load_backbone(DLIB_RESNET)
    for backbone in (ours, dlibs):
        backbone.module.to("cpu")
    chips, dlib_chips = aligned_chips(count, ours, dlibs)
    named = {
        "MobileFaceNet, PyTorch": (ours, chips),
        "dlib's ResNet, PyTorch": (dlibs, dlib_chips),
    }
    lines = [f"# Embedding {len(chips)} aligned faces of ORL, one core", ""]
    lines += [*side_by_side(named), "", *on_gpu(ours, chips), ""]
    lines.append(
        f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, ai-edge-litert {version('ai-edge-litert')}."
    )
    publish(lines, out)


if __name__ == "__main__":
    typer.run(main)
