"""dlib's face recogniser, rebuilt in PyTorch from dlib's own file of weights.

The file is a stream: an integer is one byte (high bit: negative; low four bits: how many bytes
follow) and then the value, little-endian; a string is its length and its bytes; a tensor is the
number 2, its four sizes and little-endian float32. The layers stand in it in forward order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class DlibStream:
    """Reads the tensors of named layers from the bytes of a dlib network, front to back."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def skip_to(self, layer: str) -> None:
        """Go behind the next occurrence of the layer's name."""
        name = bytes([1, len(layer)]) + layer.encode()
        found = self._content.find(name, self._position)
        if found < 0:
            raise ValueError(f"no layer {layer!r} after byte {self._position}: not dlib's ResNet")
        self._position = found + len(name)

    def read_integer(self) -> int:
        """The integer at this place."""
        head = self._content[self._position]
        length = head & 0x0F
        digits = self._content[self._position + 1 : self._position + 1 + length]
        self._position += 1 + length
        value = int.from_bytes(digits, "little")
        return -value if head & 0x80 else value

    def read_tensor(self) -> torch.Tensor:
        """The tensor at this place, flat."""
        version = self.read_integer()
        if version != 2:
            raise ValueError(f"a dlib tensor of version {version}; only version 2 is known")
        count = int(np.prod([self.read_integer() for _ in range(4)]))
        values = np.frombuffer(self._content, "<f4", count, self._position)
        self._position += 4 * count
        return torch.from_numpy(values.copy())


def _read_convolution(stream: DlibStream, convolution: nn.Conv2d) -> None:
    """Fill a convolution with the next ``con_`` layer and fold in the ``affine_`` behind it."""
    stream.skip_to("con_4")
    values = stream.read_tensor()
    filters = values[: convolution.weight.numel()].reshape(convolution.weight.shape)
    biases = values[convolution.weight.numel() :]
    stream.skip_to("affine_")
    gammas, betas = stream.read_tensor().chunk(2)
    convolution.weight.data.copy_(filters * gammas[:, None, None, None])
    convolution.bias.data.copy_(biases * gammas + betas)


class ResidualBlock(nn.Module):
    """conv 3×3, ReLU, conv 3×3, plus the input, ReLU; with stride 2 the input is average-pooled.

    Where the two branches differ in channels or in size, the smaller one is padded with zeros at
    the end, as dlib does.
    """

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        padding = 1 if stride == 1 else 0
        self.first = nn.Conv2d(channels_in, channels, 3, stride, padding)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels_in, h, w)`` to ``(n, channels, h', w')``, both float32."""
        branch = self.second(functional.relu(self.first(x)))
        skip = functional.avg_pool2d(x, 2, 2) if self.stride == 2 else x
        shape = [max(sizes) for sizes in zip(branch.shape[1:], skip.shape[1:], strict=True)]
        return functional.relu(_pad_to(branch, shape) + _pad_to(skip, shape))


def _pad_to(x: torch.Tensor, shape: list[int]) -> torch.Tensor:
    missing = [wanted - size for wanted, size in zip(shape, x.shape[1:], strict=True)]
    if not any(missing):
        return x
    return functional.pad(x, [0, missing[2], 0, missing[1], 0, missing[0]])


class DlibResNet(nn.Module):
    """dlib's face recogniser, a 29-layer ResNet with 128-d embeddings.

    ``forward`` takes RGB values 0 to 255, ``(n, 3, 150, 150)`` float, and can be differentiated
    with respect to them. The embeddings are not normalised.

    Taught in notebook 03.
    """

    dim = 128
    chip_size = 150

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(
            "mean", torch.tensor([122.782, 117.001, 104.298])[:, None, None], persistent=False
        )
        self.stem = nn.Conv2d(3, 32, 7, 2)
        plan = [(32, 3), (64, 4), (128, 3), (256, 3), (256, 1)]
        blocks, channels_in = [], 32
        for stage, (channels, count) in enumerate(plan):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(ResidualBlock(channels_in, channels, stride))
                channels_in = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(256, self.dim, bias=False)

    @classmethod
    def from_dat(cls, path: Path) -> DlibResNet:
        """The network with the weights in dlib's file, frozen, in evaluation mode.

        Raises:
            ValueError: the file is not dlib's face recognition ResNet.
        """
        stream = DlibStream(Path(path).read_bytes())
        network = cls()
        try:
            for convolution in network.modules():
                if isinstance(convolution, nn.Conv2d):
                    _read_convolution(stream, convolution)
            stream.skip_to("fc_2")
            outputs, inputs = stream.read_integer(), stream.read_integer()
            network.head.weight.data.copy_(stream.read_tensor().reshape(inputs, outputs).T)
        except (IndexError, RuntimeError, ValueError) as error:  # ends early, or has other sizes
            raise ValueError(f"{path} does not hold dlib's ResNet: {error}") from error
        network = network.eval().requires_grad_(False)
        return network.to(memory_format=torch.channels_last)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """RGB values 0 to 255, ``(n, 3, 150, 150)`` float, to embeddings ``(n, 128)`` float."""
        if pixels.ndim != 4 or pixels.shape[1:] != (3, self.chip_size, self.chip_size):
            raise ValueError(f"pixels must be (n, 3, 150, 150), not {tuple(pixels.shape)}")
        x = (pixels - self.mean) / 256
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        return self.head(self.blocks(x).mean(dim=(2, 3)))
