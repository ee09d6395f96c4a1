"""The recognisers there are: MobileFaceNet, dlib's ResNet, ONNX files, and modules of yours.

What a recogniser is, stands in `eumlib.embeddings.recogniser`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache, partial
from inspect import getsource, isroutine
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn

from eumlib._common.device import available_device
from eumlib._common.fetching import fetch
from eumlib._common.files import key_of
from eumlib._common.named_files import REGISTRY
from eumlib._common.sources import NamedFile
from eumlib.embeddings.arcface import OnnxBackbone
from eumlib.embeddings.dlib_resnet import DlibResNet
from eumlib.embeddings.mobilefacenet import MobileFaceNet
from eumlib.embeddings.named_onnx import NAMED_ONNX, load_named_onnx
from eumlib.embeddings.recogniser import Backbone, BackboneError, embed_in_batches
from eumlib.faces import align_chip, align_five_points
from eumlib.faces.alignment import ARCFACE_SIZE

MOBILEFACENET, DLIB_RESNET = "mobilefacenet", "dlib_resnet_v1"


class TorchBackbone:
    """A PyTorch module as a recogniser, put into evaluation mode and frozen.

    The module gets ``(n, 3, size, size)`` float32, RGB, (value − mean) / scale, on the device where
    its weights are, and gives ``(n, dim)``; the length of an embedding is found by one trial.

    >>> pooled = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    >>> mine = TorchBackbone("mine", pooled)
    >>> mine.embed(np.zeros((5, 112, 112, 3), np.uint8)).shape
    (5, 12)

    Args:
        name: kept in the tables of embeddings.
        module: the network. Its fingerprint is taken now: train it before, not after.
        align: called as ``align(picture, landmarks, size=chip_size)``; without one, ArcFace's five
            points. A function of a module, not a lambda, if worker processes are to call it.
        chip_size: side of the chips in pixels.
        mean: of all channels, or of red, green and blue, in pixel values 0 to 255.
        scale: likewise.
        batch_size: chips that go through the module at a time.

    Raises:
        BackboneError: the trial did not give one embedding ``(1, dim)`` of finite numbers.
    """

    def __init__(
        self,
        name: str,
        module: nn.Module,
        align: Callable[..., np.ndarray] = align_five_points,
        chip_size: int = ARCFACE_SIZE,
        mean: float | Sequence[float] = 127.5,
        scale: float | Sequence[float] = 127.5,
        batch_size: int = 64,
    ) -> None:
        self.name, self.chip_size, self.batch_size = name, chip_size, batch_size
        self.module = module.eval().requires_grad_(False)
        self.align = partial(align, size=chip_size)
        self._mean, self._scale = _by_channel("mean", mean), _by_channel("scale", scale)
        self.fingerprint = key_of(
            name, str(chip_size), str(self._mean.tolist()), str(self._scale.tolist()),
            _described(align), str(module), _digest(module),
        )  # fmt: skip
        trial = np.full((1, chip_size, chip_size, 3), 127, np.uint8)
        self.dim = self._embed_batch(trial).shape[-1]
        self.embed(trial)

    def embed(self, chips: np.ndarray) -> np.ndarray:
        """Embeddings of chips, on the device where the module is.

        Args:
            chips: ``(n, size, size, 3)`` RGB uint8; n may be 0.

        Returns:
            ``(n, dim)`` float32, as the module gives them: not normalised.

        Raises:
            ValueError, BackboneError: as in `eumlib.embeddings.embed_in_batches`, which says too
                how far the result depends on the grouping of chips.
        """
        return embed_in_batches(self, chips, self.batch_size, self._embed_batch)

    def __getstate__(self) -> dict[str, object]:
        """It travels by way of the CPU, and settles on the GPU of where it arrives, if any."""
        return self.__dict__ | {"module": deepcopy(self.module).cpu()}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.module.to(available_device())

    @property
    def device(self) -> torch.device:
        """Where the module's weights are."""
        weights = chain(self.module.parameters(), self.module.buffers(), [self._mean])
        return next(weights).device

    def pixels(self, chips: np.ndarray) -> torch.Tensor:
        """What the module gets: chips as `embed` takes them to ``(n, 3, size, size)`` float32."""
        pixels = torch.from_numpy(chips).to(self.device).permute(0, 3, 1, 2).float()
        return self._scaled(pixels)

    def embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """As `embed`, but of a tensor, so that it can be differentiated with respect to the pixels.

        Args:
            pixels: ``(n, 3, size, size)`` float, RGB from 0 to 255, on the module's `device`.

        Returns:
            ``(n, dim)``, as the module gives it, unchecked.
        """
        return self.module(self._scaled(pixels))

    def _scaled(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels - self._mean.to(pixels)) / self._scale.to(pixels)

    def _embed_batch(self, chips: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            embeddings = self.module(self.pixels(chips))
        if not isinstance(embeddings, torch.Tensor) or embeddings.ndim != 2:
            raise BackboneError(
                f"{self.name}: the module must give a tensor ({len(chips)}, dim) for {len(chips)} "
                f"chips, not {_kind(embeddings)}; wrap it in a module whose forward does"
            )
        return embeddings.float().cpu().numpy()


def _by_channel(what: str, values: float | Sequence[float]) -> torch.Tensor:
    tensor = torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)
    if len(tensor) not in (1, 3):
        raise ValueError(f"{what} must be one number or three, not {len(tensor)}")
    return tensor


def _kind(result: object) -> str:
    if isinstance(result, torch.Tensor):
        return f"a tensor {tuple(result.shape)}"
    return f"a {type(result).__name__}"


def _described(align: Callable) -> str:
    """The function's name and source, with what `partial` has fixed.

    It is the same in every process, and wherever the function lives.
    """
    if isinstance(align, partial):
        return f"{_described(align.func)} {align.args} {sorted(align.keywords.items())}"
    named = align if isroutine(align) else type(align)
    try:
        return f"{named.__qualname__} {getsource(named)}"
    except (OSError, TypeError):  # typed into a prompt, or compiled
        return named.__qualname__


def _digest(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _mobilefacenet() -> TorchBackbone:
    """MobileFaceNet, trained with ArcFace on MS-Celeb-1M; on the GPU where there is one."""
    network = MobileFaceNet.from_tflite(fetch("mobilefacenet.tflite")).to(available_device())
    return TorchBackbone(MOBILEFACENET, network, scale=128.0, batch_size=16)


@lru_cache(maxsize=1)
def _dlib_resnet() -> TorchBackbone:
    """dlib's ResNet, on the GPU where there is one; it normalises its pixels itself."""
    weights = fetch("dlib_face_recognition_resnet_model_v1.dat")
    network = DlibResNet.from_dat(weights).to(available_device())
    return TorchBackbone(DLIB_RESNET, network, align_chip, DlibResNet.chip_size, mean=0, scale=1)


def default_backbone() -> TorchBackbone:
    """The recogniser of the notebooks, MobileFaceNet."""
    return _mobilefacenet()


def load_backbone(
    name_or_path: str | Path, registry: Mapping[str, NamedFile] = REGISTRY
) -> Backbone:
    """A recogniser by name, or by the path of an ONNX file, such as ArcFace's.

    Args:
        name_or_path: ``mobilefacenet``, ``dlib_resnet_v1``, a name of
            `eumlib.embeddings.NAMED_ONNX`, or a path.
        registry: of files to fetch for the latter names.

    Raises:
        BackboneError: neither of these, or `eumlib.embeddings.OnnxBackbone` refuses the file.
        FetchError: the file of a named recogniser could not be had.
    """
    named = {MOBILEFACENET: _mobilefacenet, DLIB_RESNET: _dlib_resnet}
    if str(name_or_path) in named:
        return named[str(name_or_path)]()
    if str(name_or_path) in NAMED_ONNX:
        return load_named_onnx(str(name_or_path), registry)
    if Path(name_or_path).suffix.lower() == ".onnx":
        return OnnxBackbone(name_or_path)
    raise BackboneError(
        f"no recogniser {str(name_or_path)!r}: give {', '.join([*named, *NAMED_ONNX])}, or "
        "the path of an .onnx file (all but the first two need: "
        'pip install --editable ".[arcface]"); a .safetensors file of a rival goes to: '
        "embed --backbone"
    )
