"""MobileFaceNet, rebuilt in PyTorch from a TensorFlow Lite file: the workbook's recogniser.

Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile
Devices", arXiv 1804.07573. These weights were trained with ArcFace on MS-Celeb-1M by others; the
paper puts its EUM on a network of this kind, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

# Of each bottleneck: channels in, channels in its middle, channels out, stride.
BOTTLENECKS = (
    (64, 128, 64, 2), *[(64, 128, 64, 1)] * 4,
    (64, 256, 128, 2), *[(128, 256, 128, 1)] * 6,
    (128, 512, 128, 2), *[(128, 256, 128, 1)] * 2,
)  # fmt: skip
EARLY = 12  # of them give the early maps; nine tenths of the arithmetic lie before those


class SameConvolution(nn.Conv2d):
    """A 3 × 3 convolution that keeps the size, or halves an even one, padded as TensorFlow does.

    At stride 2 that is nothing on the left and above, and one pixel on the right and below.
    """

    def __init__(self, channels_in: int, channels: int, stride: int = 1, groups: int = 1) -> None:
        padding = 1 if stride == 1 else 0
        super().__init__(channels_in, channels, 3, stride, padding, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels_in, h, w)`` to ``(n, channels, h / stride, w / stride)``, float32."""
        return super().forward(functional.pad(x, (0, 1, 0, 1)) if self.stride == (2, 2) else x)


class Bottleneck(nn.Sequential):
    """Widen by 1 × 1, look around by a depthwise 3 × 3, narrow by 1 × 1; plus the input.

    Sandler et al., MobileNetV2, arXiv 1801.04381, with PReLU.
    """

    def __init__(self, channels_in: int, width: int, channels: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, width, 1),
            nn.PReLU(width),
            SameConvolution(width, width, stride, groups=width),
            nn.PReLU(width),
            nn.Conv2d(width, channels, 1),
        )
        self.residual = stride == 1 and channels_in == channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels_in, h, w)`` to ``(n, channels, h / stride, w / stride)``, float32."""
        narrowed = super().forward(x)
        return x + narrowed if self.residual else narrowed


class MobileFaceNet(nn.Module):
    """The recogniser: 1.3 million weights, 192-d embeddings, not normalised.

    ``forward`` takes RGB chips as (value − 127.5) / 128, ``(n, 3, 112, 112)`` float, cut by
    `eumlib.faces.align_five_points`, and can be differentiated with respect to them. Batch norms
    are folded into the convolutions, so it is frozen: to be used, not to be trained from scratch.

    Taught in notebook 03.
    """

    dim = 192
    chip_size = 112
    early_shape = (128, 14, 14)  # what `early_maps` gives of a chip
    late_shape = (512, 7, 7)  # what `late_maps` makes of it

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            SameConvolution(3, 64, stride=2),
            nn.PReLU(64),
            SameConvolution(64, 64, groups=64),
            nn.PReLU(64),
            nn.Conv2d(64, 64, 1),
        )
        self.bottlenecks = nn.Sequential(*(Bottleneck(*sizes) for sizes in BOTTLENECKS))
        self.head = nn.Sequential(
            nn.Conv2d(128, 512, 1),
            nn.PReLU(512),
            nn.Conv2d(512, 512, 7, groups=512),
            nn.Conv2d(512, 512, 1),
            nn.Conv2d(512, self.dim, 1),
            nn.Flatten(),
        )

    @classmethod
    def from_tflite(cls, path: Path | str) -> MobileFaceNet:
        """The network with the weights in a TensorFlow Lite file, frozen, in evaluation mode.

        Raises:
            ValueError: the file is cut short, or holds another network.
        """
        network = cls()
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.PReLU)]
        try:
            found = list(_layers_of(Path(path).read_bytes()))
            for layer, tensors in zip(layers, found, strict=True):
                for parameter, values in zip(layer.parameters(), tensors, strict=True):
                    if parameter.shape != values.shape:
                        raise ValueError(f"{tuple(parameter.shape)} is not {values.shape}")
                    parameter.data.copy_(torch.tensor(values))
        # what a damaged flatbuffer makes of its offsets has no error of its own
        except Exception as error:
            raise ValueError(f"{path} does not hold this MobileFaceNet: {error}") from error
        return network.eval().requires_grad_(False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """``(n, 3, 112, 112)`` float in [−1, 1] to embeddings ``(n, 192)`` float."""
        return self.pooled(self.late_maps(self.early_maps(pixels)))

    def early_maps(self, pixels: torch.Tensor) -> torch.Tensor:
        """``(n, 3, 112, 112)`` to the last maps of 14 × 14 places, ``(n, 128, 14, 14)``."""
        if pixels.ndim != 4 or pixels.shape[1:] != (3, self.chip_size, self.chip_size):
            raise ValueError(f"pixels must be (n, 3, 112, 112), not {tuple(pixels.shape)}")
        return self.bottlenecks[:EARLY](self.stem(pixels))

    def late_maps(self, early: torch.Tensor) -> torch.Tensor:
        """Early maps to the last ones that have places, ``(n, 512, 7, 7)``."""
        return self.head[:2](self.bottlenecks[EARLY:](early))

    def pooled(self, late: torch.Tensor) -> torch.Tensor:
        """Late maps to embeddings ``(n, 192)``: each channel weighs its 49 places, then all mix."""
        return self.head[2:](late)


def _layers_of(content: bytes) -> Iterator[tuple[np.ndarray, ...]]:
    """Weights and biases of each convolution, and slopes of each PReLU, front to back.

    PReLU is written as relu(x) + (x − |x|) · α / 2; its MUL holds α / 2, one number per channel.
    """
    import tflite  # here alone: it is slow to import, and only the recogniser reads such files

    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)

    def tensor(operator: tflite.Operator, place: int) -> np.ndarray:
        described = graph.Tensors(operator.Inputs(place))
        values = model.Buffers(described.Buffer()).DataAsNumpy()
        return values.view("<f4").reshape(described.ShapeAsNumpy())

    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        kind = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if kind == tflite.BuiltinOperator.CONV_2D:  # out × height × width × in
            yield tensor(operator, 1).transpose(0, 3, 1, 2), tensor(operator, 2)
        elif kind == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:  # 1 × height × width × channels
            yield tensor(operator, 1).transpose(3, 0, 1, 2), tensor(operator, 2)
        elif kind == tflite.BuiltinOperator.MUL:
            yield (2 * tensor(operator, 0),)
