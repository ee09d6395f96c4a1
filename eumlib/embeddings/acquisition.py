"""Acquire a face: read the picture, find the face, paint the masks, cut out the chips.

Two ways to align a masked view are told apart. The paper's takes the landmarks of the *unmasked*
picture for all views: the mask changes the pixels and nothing else. A camera never sees the
unmasked picture: it has to find the face, and its landmarks, with the mask on.

Every view that was asked for comes back, with its chip or with the reason why there is none.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import Protocol

import cv2
import numpy as np

from eumlib.embeddings.table import MASKED, UNMASKED, WORN
from eumlib.faces import (
    AlignmentError,
    Face,
    FaceNotFoundError,
    LandmarkFinder,
    LocatedFace,
    UnreadablePictureError,
)
from eumlib.masks import Mask

FAILURES_TO_ACQUIRE = (UnreadablePictureError, FaceNotFoundError, AlignmentError)


Align = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class View:
    """One view of a face, before anyone has looked: bare, with a mask to paint, or with one worn.

    Attributes:
        view: ``"unmasked"`` or ``"masked"``.
        mask: what is painted; None where nothing is.
        worn_mask: the label of a worn mask, or None.
    """

    view: str
    mask: Mask | None = None
    worn_mask: str | None = None

    @property
    def mask_shape(self) -> str | None:
        """The painted mask's shape, ``"worn"``, or None."""
        return WORN if self.worn_mask else self.mask and self.mask.shape

    @property
    def mask_colour(self) -> str | None:
        """The painted mask's colour as ``#rrggbb``, or None."""
        return self.mask and self.mask.hex_colour


@dataclass(frozen=True)
class AcquiredView:
    """A view with its chip.

    Attributes:
        view: what was asked for.
        chip: RGB, uint8, ``(size, size, 3)``.
        detector: the step of the detector chain that found the face.
        landmarks_from: the view whose landmarks aligned it, ``"unmasked"`` or ``"masked"``.
    """

    view: View
    chip: np.ndarray
    detector: str
    landmarks_from: str


@dataclass(frozen=True)
class FailedView:
    """A view that could not be acquired: the reason in a few words, and in detail."""

    view: View
    reason: str
    detail: str


AttemptedView = AcquiredView | FailedView


class Acquire(Protocol):
    """A way to acquire all views of a face."""

    def __call__(
        self, face: Face, masks: Sequence[Mask], align: Align, finder: LandmarkFinder
    ) -> list[AttemptedView]:
        """The unmasked view and one with each mask; or the one view of a face that wears a mask."""


def acquire_with_unmasked_landmarks(
    face: Face, masks: Sequence[Mask], align: Align, finder: LandmarkFinder
) -> list[AttemptedView]:
    """The paper's way: every view is aligned with the landmarks of the picture as it is.

    Taught in notebook 03.
    """
    return _acquire(face, masks, align, finder, lambda _masked, bare: bare, UNMASKED)


def acquire_as_a_camera_does(
    face: Face, masks: Sequence[Mask], align: Align, finder: LandmarkFinder
) -> list[AttemptedView]:
    """The camera's way: the mask is painted first, then the face is searched in what is left of it.

    The landmarks of the unmasked picture say only where to paint.

    Taught in notebook 03.
    """
    return _acquire(face, masks, align, finder, lambda masked, _bare: finder.locate(masked), MASKED)


def _acquire(
    face: Face,
    masks: Sequence[Mask],
    align: Align,
    finder: LandmarkFinder,
    locate_masked: Callable[[np.ndarray, LocatedFace], LocatedFace],
    landmarks_from: str,
) -> list[AttemptedView]:
    """All views; `locate_masked` tells where a masked one is, from it and from the bare face."""
    first, *painted = _views(face, masks)
    try:
        picture = face.read()
        bare = finder.locate(picture)
        outcomes = [_cut_out(first, picture, bare, align, first.view)]
    except FAILURES_TO_ACQUIRE as error:
        return [_failed(view, error) for view in (first, *painted)]
    for view in painted:
        masked = view.mask.painted_on(picture, bare.landmarks)
        try:
            located = locate_masked(masked, bare)
            outcomes.append(_cut_out(view, masked, located, align, landmarks_from))
        except FAILURES_TO_ACQUIRE as error:
            outcomes.append(_failed(view, error))
    return outcomes


def _views(face: Face, masks: Sequence[Mask]) -> list[View]:
    if face.worn_mask:
        return [View(MASKED, worn_mask=face.worn_mask)]
    return [View(UNMASKED), *(View(MASKED, mask) for mask in masks)]


def _cut_out(
    view: View, picture: np.ndarray, located: LocatedFace, align: Align, landmarks_from: str
) -> AcquiredView:
    chip = align(picture, located.landmarks)
    return AcquiredView(view, chip, located.detector, landmarks_from)


def _failed(view: View, error: Exception) -> FailedView:
    return FailedView(view, error.reason, str(error))


@dataclass(frozen=True)
class AcquisitionJob:
    """What all faces of an extraction share; it travels to the worker processes.

    Attributes:
        acquire: the way to acquire.
        align: the recogniser's alignment.
        finder: gives this process's landmark finder.
    """

    acquire: Acquire
    align: Align
    finder: Callable[[], LandmarkFinder]

    def __call__(self, faces: Sequence[tuple[Face, tuple[Mask, ...]]]) -> list[list[AttemptedView]]:
        """The outcomes of each face with its masks."""
        finder = self.finder()
        return [self.acquire(face, masks, self.align, finder) for face, masks in faces]


def start_worker() -> None:
    """Prepare a worker process: one thread, and an end when the parent ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and stops its workers
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # torch reads it, where the chain comes to need torch
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
