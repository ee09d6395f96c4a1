"""Mask plans: which masks every face of a set gets, and always the same ones again.

A plan looks at a seed and at the picture's own id alone. So the masks do not depend on the order of
the pictures, on what else is painted, or on how many processes paint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from eumlib._common.errors import EumlibError
from eumlib._common.texts import TextFileError, one_form, read_text
from eumlib.faces import Face, Pair
from eumlib.masks.flat import COVERAGES, FLAT_SHAPES, WIDTHS, flat_shape
from eumlib.masks.mask import NIST_COLOURS, PAPER_COLOURS, SHAPES, Colour, Mask


class MaskPlanError(EumlibError, ValueError):
    """A plan that has no mask for a face, or that cannot be made or read."""


class MaskPlan(Protocol):
    """Says which masks a face gets."""

    def masks_for(self, face: Face) -> tuple[Mask, ...]:
        """The masks to paint on that face, one masked view each; none or several are fine."""

    def describe(self) -> str:
        """One line that tells this plan from others; caches are keyed by it."""


@dataclass(frozen=True)
class MaskKind:
    """Masks to draw from: a shape at random, then a colour at random.

    Attributes:
        shapes: some of `eumlib.masks.SHAPES`, each as likely as the others.
        colours: the colours, each as likely; empty for any RGB colour, three independent uniform
            numbers from 0 to 255, as the paper draws them.
    """

    shapes: tuple[str, ...]
    colours: tuple[Colour, ...] = ()

    def __post_init__(self) -> None:
        unknown = [shape for shape in self.shapes if shape not in SHAPES]
        if unknown or not self.shapes:
            raise ValueError(
                f"a kind of masks needs shapes among {', '.join(SHAPES)}, not {self.shapes}"
            )

    def draw(self, random: np.random.Generator) -> Mask:
        """One mask."""
        shape = self.shapes[random.integers(len(self.shapes))]
        if self.colours:
            return Mask(shape, self.colours[random.integers(len(self.colours))])
        return Mask(shape, tuple(int(value) for value in random.integers(0, 256, size=3)))


def nist_masks(
    widths: Sequence[str] = WIDTHS,
    coverages: Sequence[str] = COVERAGES,
    colours: Sequence[str] = tuple(NIST_COLOURS),
) -> MaskKind:
    """Flat masks in the words of NIST's FRVT Part 6 (NISTIR 8311, 8331).

    >>> nist_masks(widths=["wide"], coverages=["high", "low"], colours=["white"])
    MaskKind(shapes=('a', 'e'), colours=((255, 255, 255),))

    Raises:
        ValueError: a width or coverage that is not one of NIST's.
        KeyError: a colour that is not one of NIST's.
    """
    shapes = tuple(flat_shape(width, coverage) for width in widths for coverage in coverages)
    return MaskKind(shapes, tuple(NIST_COLOURS[name] for name in colours))


FLAT = MaskKind(FLAT_SHAPES)
SURGICAL = MaskKind(("surgical",), (PAPER_COLOURS["light blue"], PAPER_COLOURS["white"]))
RESPIRATOR = MaskKind(("respirator",), (PAPER_COLOURS["white"],))
CLOTH = MaskKind(tuple(shape for shape in SHAPES if shape.startswith("cloth")))
KINDS: Mapping[str, MaskKind] = {
    "flat": FLAT,
    "flat-paper-colours": MaskKind(FLAT_SHAPES, tuple(PAPER_COLOURS.values())),
    "nist": nist_masks(),
    "surgical": SURGICAL,
    "respirator": RESPIRATOR,
    "cloth": CLOTH,
}


@dataclass(frozen=True)
class RandomMasks:
    """One mask of each kind for every face, drawn from the seed and the picture's id.

    >>> face = Face("s1/1", "s1", read=lambda: None)
    >>> [mask.shape for mask in RandomMasks(seed=1, kinds=(FLAT, SURGICAL)).masks_for(face)]
    ['a', 'surgical']

    Attributes:
        seed: of the draw.
        kinds: a face gets one mask of each; name a kind twice for two masks of it, and none to
            paint nothing.

    Taught in notebook 02.
    """

    seed: int = 0
    kinds: tuple[MaskKind, ...] = (FLAT,)

    def masks_for(self, face: Face) -> tuple[Mask, ...]:
        """One mask of each kind; of two that are drawn alike, one."""
        drawn = (
            kind.draw(_random(self.seed, place, face.image_id))
            for place, kind in enumerate(self.kinds)
        )
        return tuple(dict.fromkeys(drawn))

    def describe(self) -> str:
        return f"random masks of {self.kinds}, seed {self.seed}"


@dataclass(frozen=True)
class ReplayedMasks:
    """The masks of a log, picture by picture, such as the paper's authors kept for LFW.

    Attributes:
        masks: by image id.
    """

    masks: Mapping[str, Mask] = field(repr=False)

    @classmethod
    def read(cls, path: Path | str) -> ReplayedMasks:
        """Read a log with one line per picture: ``image_id shape red green blue``.

        The three numbers may have decimals, from 0 to 255; they are rounded.

        Raises:
            MaskPlanError: the file is not there or no text; a line that is something else, or a
                picture named twice; the message has the line number.
        """
        try:
            lines = one_form(read_text(path)).removesuffix("\n").split("\n")
        except TextFileError as error:
            raise MaskPlanError(f"no log of masks: {error}") from error
        masks: dict[str, Mask] = {}
        for number, line in enumerate(lines, 1):
            try:
                image_id, shape, *colour = line.rsplit(maxsplit=4)
                mask = Mask(shape, tuple(round(float(value)) for value in colour))
            except (ValueError, OverflowError) as error:  # the latter for infinity
                raise MaskPlanError(
                    f"{path}, line {number}: {line[:80]!r} is not 'image_id shape red green blue': "
                    f"{str(error)[:200]}"
                ) from error
            if image_id in masks:
                raise MaskPlanError(f"{path}, line {number}: {image_id!r} has a mask already")
            masks[image_id] = mask
        return cls(masks)

    def masks_for(self, face: Face) -> tuple[Mask, ...]:
        """The one mask that the log has for the picture; without one, MaskPlanError."""
        image_id = one_form(face.image_id)
        if image_id not in self.masks:
            raise MaskPlanError(
                f"the log of {len(self.masks)} masks has none for {face.image_id}; add a line for "
                f"it, or leave the picture out"
            )
        return (self.masks[image_id],)

    def describe(self) -> str:
        return f"replayed masks {_digest(self.masks)}"


@dataclass(frozen=True)
class SharedMasks:
    """The same person in different masks, different people in the same: the idea of MLFW.

    Wang et al. (arXiv 2109.05804) saw that a recogniser may compare masks instead of faces. Here
    everyone's pictures go through the masks in turn, over and over again. The hash of a name says
    with which mask a person begins: if all began with the first, most non-mated pairs would wear it
    in a set in which most people have one picture. `is_misleading` picks the pairs in which the
    masks point the wrong way.

    Attributes:
        masks: by image id.

    Taught in notebook 02.
    """

    masks: Mapping[str, Mask] = field(repr=False)

    @classmethod
    def of(
        cls, faces: Iterable[Face], count: int, kind: MaskKind = FLAT, seed: int = 0
    ) -> SharedMasks:
        """Share `count` different masks among the faces.

        Raises:
            MaskPlanError: fewer than two masks, or more than the kind has.
        """
        if count < 2:
            raise MaskPlanError(f"to wear different masks a person needs 2 or more, not {count}")
        shared: dict[Mask, None] = {}
        for place in range(100 * count):
            shared.setdefault(kind.draw(_random(seed, place, "shared")))
            if len(shared) == count:
                break
        else:
            raise MaskPlanError(f"{kind} has only {len(shared)} different masks, not {count}")
        masks, given = tuple(shared), {}
        turn: dict[str, int] = {}
        for face in faces:
            if face.identity not in turn:
                turn[face.identity] = int(_random(seed, 0, face.identity).integers(count))
            given[face.image_id] = masks[turn[face.identity] % count]
            turn[face.identity] += 1
        return cls(given)

    def masks_for(self, face: Face) -> tuple[Mask, ...]:
        """The one mask of the picture; MaskPlanError for one that the masks are not shared by."""
        if face.image_id not in self.masks:
            raise MaskPlanError(f"{face.image_id} is not among the faces that masks are shared by")
        return (self.masks[face.image_id],)

    def is_misleading(self, pair: Pair) -> bool:
        """Whether the masks mislead: a mated pair in two masks, a non-mated pair in one."""
        same = self.masks[pair.reference] == self.masks[pair.probe]
        return same != pair.mated

    def describe(self) -> str:
        return f"shared masks {_digest(self.masks)}"


def _random(seed: int, place: int, image_id: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {place} {image_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _digest(masks: Mapping[str, Mask]) -> str:
    listed = sorted((image_id, mask.shape, mask.hex_colour) for image_id, mask in masks.items())
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
