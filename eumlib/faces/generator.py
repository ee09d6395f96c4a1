"""Faces of people who do not exist: a DCGAN generator, as many training faces as we like.

The generator (Radford et al., arXiv 1511.06434) was trained by others on DigiFace-1M, which is
rendered: no real person is in it or can come out of it.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import nn

from eumlib._common.fetching import fetch

LATENT_SIZE = 100
ENLARGEMENT = 3
BORDER = 48  # pixels of replicated border: the generator's faces fill their frame


class FaceGenerator(nn.Module):
    """Latent vectors ``(n, 100)`` to RGB pictures ``(n, 3, 64, 64)`` in [−1, 1].

    Four up-convolutions of widths 512, 256, 128 and 64, each with batch norm and ReLU, and a last
    one to three channels with tanh.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [512, 256, 128, 64]
        layers: list[nn.Module] = [nn.ConvTranspose2d(LATENT_SIZE, 512, 4, 1, 0, bias=False)]
        for width, next_width in zip(widths, [*widths[1:], 3], strict=True):
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.ConvTranspose2d(width, next_width, 4, 2, 1, bias=False)]
        self.main = nn.Sequential(*layers, nn.Tanh())

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        return self.main(latent[:, :, None, None])


@lru_cache(maxsize=1)
def load_generator() -> FaceGenerator:
    """The pretrained generator, in evaluation mode on the CPU."""
    weights = torch.load(fetch("face_generator.tar"), map_location="cpu", weights_only=True)
    generator = FaceGenerator()
    generator.load_state_dict(weights["netG_state_dict"])
    return generator.eval()


def generate_face(index: int, seed: int = 0) -> np.ndarray:
    """Face number `index` of stream `seed`: RGB, uint8, ``(288, 288, 3)``.

    The face depends on the two numbers alone, so any part of a stream can be drawn again. The
    64×64 picture is enlarged three times and its border replicated, because a face detector needs
    some room around a face.
    """
    return drawn_from(np.random.default_rng([seed, index]).standard_normal(LATENT_SIZE))


def drawn_from(latent: np.ndarray) -> np.ndarray:
    """The face of a latent vector ``(100,)``, as `generate_face` draws it; near ones look alike."""
    with torch.inference_mode():
        picture = load_generator()(torch.from_numpy(latent[None]).float())[0]
    pixels = ((picture.permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
    enlarged = cv2.resize(
        pixels, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC
    )
    return cv2.copyMakeBorder(enlarged, *[BORDER] * 4, cv2.BORDER_REPLICATE)
