"""Adversarial Mask: one picture that, printed on anybody's mask, hides who wears it.

Zolfi, Avidan, Elovici and Shabtai, "Adversarial Mask: Real-World Universal Adversarial Attack on
Face Recognition Models", ECML-PKDD 2022, arXiv 2111.10759, learn one texture for all wearers by
gradient descent through a renderer into the recogniser. Of what they had:

- They render the mask on a face in three dimensions; here a thin-plate spline lays it on the
  landmarks, in the plane.
- They attack several networks of 100 layers at once; here it is one MobileFaceNet, so how far an
  attack carries over to a network that it has not seen is a harder question here than there.
- They learn on 100 people of CASIA-WebFace, 5 pictures each; here it is whatever face set is given.
- They stop by a patience; here the number of steps is fixed.
- They print on cloth, and a recogniser behind a camera identifies 3.34 % of the wearers, and
  83.34 % or more of those who wear other masks. Nothing is printed here, so that claim is not
  tested; what is, is that of pictures: whether a learnt mask is worse for the recogniser than any
  other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from eumlib._common.errors import EumlibError
from eumlib._common.progress import progress_bar
from eumlib._common.threads import torch_threads
from eumlib.embeddings import FAILURES_TO_ACQUIRE, TorchBackbone, unit_length
from eumlib.faces import FaceSet, align_five_points, finder_for
from eumlib.faces.alignment import ARCFACE_SIZE, ARCFACE_TEMPLATE, fit_similarity, five_points
from eumlib.rivals.placement import CUT, PrintedMask, place, print_on, unwrapped

TEXTURE_SIZE = (84, 112)  # px, height and width: the proportions of a mask's sheet
BLANK = 0.5  # the grey that learning starts from
SHIFT, TURN = 0.05, 5.0  # at most: of half a sheet; degrees
CONTRAST, BRIGHTNESS, NOISE = (0.8, 1.2), 0.1, 0.05


class WearersError(EumlibError, ValueError):
    """People on whom no mask can be learnt."""


@dataclass(frozen=True)
class Wearers:
    """Aligned faces, and where the mask lies on each.

    Attributes:
        chips: ``(n, size, size, 3)`` RGB uint8, aligned by ArcFace's five points.
        landmarks: ``(n, 68, 2)``, in pixels of the chips.
        identities: ``(n,)``, who it is.
        not_acquired: how many more pictures there were on which no face was found.
        grids, alphas: of the `eumlib.rivals.Placement` on each chip; made from the landmarks.

    Raises:
        WearersError: nobody.
    """

    chips: np.ndarray
    landmarks: np.ndarray
    identities: np.ndarray
    not_acquired: int = 0
    grids: torch.Tensor = field(init=False, repr=False)
    alphas: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.chips):
            raise WearersError(
                f"there is nobody to learn a mask on, as no face was found on "
                f"{self.not_acquired} pictures: give pictures of faces"
            )
        size = self.chips.shape[1]
        placements = [place(points, size, size, CUT) for points in self.landmarks]
        for name, parts in zip(("grids", "alphas"), zip(*placements, strict=True), strict=True):
            object.__setattr__(self, name, torch.from_numpy(np.stack(parts)))

    def __len__(self) -> int:
        return len(self.chips)

    @classmethod
    def of(cls, face_set: FaceSet, size: int = ARCFACE_SIZE) -> Wearers:
        """The people of a face set, all their pictures.

        Args:
            face_set: bare faces.
            size: side of the chips in pixels.

        Raises:
            WearersError: no picture with a face that is found.
        """
        finder, chips, moved, identities, failed = finder_for(face_set), [], [], [], 0
        with progress_bar(len(face_set), "finding wearers", "face") as progress:
            for face in face_set:
                progress.update()
                try:
                    picture = face.read()
                    landmarks = finder.find(picture)
                    chip = align_five_points(picture, landmarks, size)
                except FAILURES_TO_ACQUIRE:
                    failed += 1
                    continue
                chips.append(chip)
                moved.append(on_chip(landmarks, size))
                identities.append(face.identity)
        return cls(np.array(chips), np.array(moved), np.array(identities), failed)

    def mean_face(self) -> PrintedMask:
        """A mask that shows what masks hide: the mean of the lower halves of all faces.

        The mean, so that it is the likeness of nobody.
        """
        sheets = [
            unwrapped(chip, points, *TEXTURE_SIZE)
            for chip, points in zip(self.chips, self.landmarks, strict=True)
        ]
        return PrintedMask("printed face", np.mean(sheets, axis=0).round().astype(np.uint8))


def on_chip(landmarks: np.ndarray, size: int = ARCFACE_SIZE) -> np.ndarray:
    """Where landmarks ``(68, 2)`` of a picture lie on its `eumlib.faces.align_five_points` chip."""
    fit = fit_similarity(five_points(landmarks), ARCFACE_TEMPLATE * (size / ARCFACE_SIZE))
    return np.asarray(landmarks, float) @ fit.matrix[:, :2].T + fit.matrix[:, 2]


def total_variation(texture: torch.Tensor) -> torch.Tensor:
    """How restless a texture ``(3, h, w)`` is: ``Σ |difference of neighbours| / (3 · h · w)``.

    0 for one colour, about 2/3 for noise from 0 to 1. A printer blurs what is restless.
    """
    across = (texture[:, :, 1:] - texture[:, :, :-1]).abs().sum()
    down = (texture[:, 1:] - texture[:, :-1]).abs().sum()
    return (across + down) / texture.numel()


def attack_loss(
    masked: torch.Tensor, targets: torch.Tensor, texture: torch.Tensor, smoothness: float
) -> torch.Tensor:
    """L = mean of (cos(masked, person) + 1) / 2, plus smoothness · total variation.

    The first term is 1 where the masked face lies at its person's mean, 1/2 where it has nothing in
    common with its person, and 0 where it is the opposite. Source: the authors' public code.

    Args:
        masked: ``(n, d)``, embeddings of masked faces.
        targets: ``(n, d)``, of the people who wear them, unmasked.
        texture: ``(3, h, w)``, 0 to 1.
        smoothness: weight of `total_variation`.

    Raises:
        ValueError: embeddings of different shapes.

    Taught in notebook 16.
    """
    if masked.shape != targets.shape:
        raise ValueError(
            f"masked and targets must both be (n, d), not {tuple(masked.shape)} and "
            f"{tuple(targets.shape)}"
        )
    likeness = (functional.cosine_similarity(masked, targets) + 1) / 2
    return likeness.mean() + smoothness * total_variation(texture)


def disturbed(
    texture: torch.Tensor, grids: torch.Tensor, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The texture and the places as they may turn out: each mask a little otherwise.

    A mask sits up to 5 % of half a sheet away and is turned by up to 5°; its print has 0.8 to 1.2
    times the contrast, is up to 0.1 brighter or darker, and has noise of up to 0.05. What survives
    that does not hang on a single pixel.

    Args:
        texture: ``(3, h, w)``, 0 to 1.
        grids: ``(n, height, width, 2)``, where the masks should lie.
        random: gives the same again after the same seed.

    Returns:
        Textures ``(n, 3, h, w)``, 0 to 1, and grids as they were given.
    """

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return (low + (high - low) * torch.rand(shape, generator=random)).to(grids)

    count = len(grids)
    contrast = uniform(*CONTRAST, count, 1, 1, 1)
    brightness = uniform(-BRIGHTNESS, BRIGHTNESS, count, 1, 1, 1)
    noise = uniform(-NOISE, NOISE, count, *texture.shape)
    textures = (0.5 + contrast * (texture - 0.5) + brightness + noise).clamp(0, 1)
    angle = torch.deg2rad(uniform(-TURN, TURN, count))
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
    shift = uniform(-SHIFT, SHIFT, count, 1, 1, 2)
    moved = grids @ turn.view(count, 1, 2, 2) + shift
    return textures, moved


class Learnt(NamedTuple):
    """What came of learning.

    Attributes:
        mask: with the texture, rounded to 8 bits a colour.
        losses: ``(steps,)``, of each batch.
    """

    mask: PrintedMask
    losses: np.ndarray


def learn_mask(
    wearers: Wearers,
    backbone: TorchBackbone,
    steps: int = 200,
    batch_size: int = 16,
    learning_rate: float = 1e-2,
    smoothness: float = 0.1,
    seed: int = 0,
) -> Learnt:
    """One texture that makes all wearers unlike themselves.

    Adam (its AMSGrad variant), from a plain grey; after each step the texture is clamped to what
    can be printed, 0 to 1. The recogniser stays as it is.

    Args:
        wearers: on whose faces it is tried.
        backbone: the recogniser under attack: a PyTorch module that reads chips of ArcFace's five
            points.
        steps: of `batch_size` faces each.
        learning_rate: of each step.
        smoothness: weight of the total variation.
        seed: of the order of faces, and of their disturbances. The same seed gives the same bits
            on the same machine.

    Raises:
        ValueError: chips of another size than the recogniser reads, or not one step.

    Taught in notebook 16.
    """
    if wearers.chips.shape[1] != backbone.chip_size:
        raise ValueError(
            f"{backbone.name} reads chips of {backbone.chip_size} px, and the wearers' have "
            f"{wearers.chips.shape[1]}: make them with Wearers.of(faces, {backbone.chip_size})"
        )
    if steps < 1:
        raise ValueError(f"a mask takes one step of learning at least, not {steps}")
    targets, device = people_of(wearers, backbone), backbone.device
    random = torch.Generator().manual_seed(seed)
    texture = torch.full((3, *TEXTURE_SIZE), BLANK, device=device, requires_grad=True)
    optimiser = torch.optim.Adam([texture], learning_rate, amsgrad=True)
    losses, waiting = [], torch.empty(0, dtype=torch.long)
    with torch_threads(1), progress_bar(steps, "learning the mask", "step") as progress:
        for _ in range(steps):
            if not len(waiting):
                waiting = torch.randperm(len(wearers), generator=random)
            batch, waiting = waiting[:batch_size], waiting[batch_size:]
            faces = torch.from_numpy(wearers.chips[batch.numpy()]).permute(0, 3, 1, 2) / 255
            textures, grids = disturbed(texture, wearers.grids[batch].to(device), random)
            masked = print_on(faces.to(device), textures, grids, wearers.alphas[batch].to(device))
            embeddings = backbone.embed_pixels(255 * masked)
            loss = attack_loss(embeddings, targets[batch].to(device), texture, smoothness)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                texture.clamp_(0, 1)
            losses.append(loss.item())
            progress.update()
    printed = (texture.detach().cpu() * 255).round().to(torch.uint8).permute(1, 2, 0)
    return Learnt(PrintedMask("adversarial", printed.numpy().copy()), np.array(losses))


def people_of(wearers: Wearers, backbone: TorchBackbone) -> torch.Tensor:
    """``(n, d)`` of unit length: for each chip the mean embedding of its person, unmasked."""
    embeddings = unit_length(backbone.embed(wearers.chips))
    _, person = np.unique(wearers.identities, return_inverse=True)
    means = np.stack([embeddings[person == one].mean(axis=0) for one in range(person.max() + 1)])
    return torch.from_numpy(unit_length(means)[person])
