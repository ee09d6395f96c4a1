"""The exercises of notebooks 00 to 02: scores, failures to acquire, outlines of masks."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from eumlib.course.answers import NO_RETURN, ROUNDS, Answer, compare
from eumlib.masks import mask_outline

CANVAS = 400  # pixels each way that outlines are painted on
EYES = range(36, 48)
LEFT_FREE = (*range(30, 36), *range(48, 68))  # the tip of the nose and the mouth


def _score(x: np.ndarray, y: np.ndarray) -> float:
    return x @ y / np.linalg.norm(x) / np.linalg.norm(y)


check_cosine = compare(
    _score,
    lambda random: tuple(random.normal(size=(2, 16)) * random.uniform(1.5, 4, size=(2, 1))),
    {
        lambda x, y: x @ y: (
            "Your number grows when a list gets longer, and an angle does not. What does the "
            "notebook do to all embeddings before it multiplies them?"
        ),
        lambda x, y: x @ y / np.linalg.norm(x): "One of the two still counts with its length.",
        lambda x, y: x @ y / np.linalg.norm(y): "One of the two still counts with its length.",
        lambda x, y: 1 - _score(x, y): (
            "That is a distance, 0 for the same direction. A score is 1 there."
        ),
        lambda x, y: np.arccos(_score(x, y)): (
            "That is the angle itself, in radians. The score is its cosine."
        ),
    },
    "Try it by hand: a list with itself must give 1, two at right angles 0, opposite ones −1.",
)


def _probe_and_references(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    probe, references = random.normal(size=8), random.normal(size=(12, 8))
    return probe, references * random.choice([0.1, 10], size=(12, 1))


def _scores(probe: np.ndarray, references: np.ndarray) -> np.ndarray:
    return np.array([_score(probe, reference) for reference in references])


check_nearest = compare(
    lambda probe, references: _scores(probe, references).argmax(),
    _probe_and_references,
    {
        lambda probe, references: _scores(probe, references).argmin(): (
            "That is the reference that points elsewhere most. A score is high where two are alike."
        ),
        lambda probe, references: _scores(probe, references).max(): (
            "That is the best score. The question is whose it is: the number of the row."
        ),
        lambda probe, references: references[_scores(probe, references).argmax()]: (
            "That is the reference itself. The question is where it stands: the number of the row."
        ),
        lambda probe, references: (references @ probe).argmax(): (
            "A long reference wins too easily: the rows are not of length 1 here."
        ),
        lambda probe, references: cdist(references, probe[None])[:, 0].argmin(): (
            "A short reference wins too easily: compare directions, not places."
        ),
    },
    "Score the probe against every row with your first function, then look for the best place.",
)


def _outcomes(random: np.random.Generator) -> tuple[Counter]:
    outcomes = ("found by hog", "found by mtcnn", "no face found", "unreadable picture")
    return (Counter(dict(zip(outcomes, random.integers(20, 400, 4).tolist(), strict=True))),)


def _count(outcomes: Counter, found: bool) -> int:
    return sum(n for outcome, n in outcomes.items() if outcome.startswith("found by") == found)


check_share_not_acquired = compare(
    lambda outcomes: _count(outcomes, False) / outcomes.total(),
    _outcomes,
    {
        lambda outcomes: _count(outcomes, False) / _count(outcomes, True): (
            "Divide by all who were tried, not by those who were found."
        ),
        lambda outcomes: _count(outcomes, True) / outcomes.total(): (
            "That is the share that was found. FTA counts the others."
        ),
        lambda outcomes: _count(outcomes, False): "That is how many. What share is it?",
        lambda outcomes: 100 * _count(outcomes, False) / outcomes.total(): (
            "A share lies between 0 and 1; yours is in percent."
        ),
        lambda outcomes: 2 / len(outcomes): (
            "You counted kinds of outcomes. How often did each of them happen?"
        ),
        lambda outcomes: outcomes["no face found"] / outcomes.total(): (
            "There is more than one way to fail: an unreadable picture is not acquired either."
        ),
        lambda outcomes: outcomes["unreadable picture"] / outcomes.total(): (
            "'no face found' has the word found in it, too. How do the others begin?"
        ),
    },
    "Two sums: over the outcomes that do not begin with 'found by', and over all of them.",
)


check_still_visible = compare(
    lambda landmarks: landmarks[:, 1] <= landmarks[29, 1],
    lambda random: (random.uniform(40, 110, size=(68, 2)),),
    {
        lambda landmarks: landmarks[:, 1] >= landmarks[29, 1]: (
            "Those are the hidden ones. In a picture y is counted from the top downwards."
        ),
        lambda landmarks: landmarks[:, 1] > landmarks[29, 1]: (
            "Those are the hidden ones. In a picture y is counted from the top downwards."
        ),
        lambda landmarks: landmarks[:, 0] <= landmarks[29, 0]: (
            "You cut the face into left and right. Which column holds the height?"
        ),
        lambda landmarks: landmarks[:, 1] < landmarks[29, 1]: (
            "Nearly: landmark 29 itself is not below itself."
        ),
        lambda landmarks: np.arange(68) <= 29: (
            "The numbers go round the face, not from top to bottom: the jaw has the first ones."
        ),
        lambda landmarks: np.flatnonzero(landmarks[:, 1] <= landmarks[29, 1]): (
            "The right ones, as numbers. Give one True or False for each of the 68."
        ),
        lambda landmarks: (landmarks[:, 1] <= landmarks[29, 1]).sum(): (
            "The right number of them. But which ones? Return True or False for each of the 68."
        ),
    },
    "Compare one column of all landmarks with one number: the height of landmark 29.",
)


def drawn_face(random: np.random.Generator) -> np.ndarray:
    """68 landmarks of a plain face, of random size and place: ``(68, 2)`` int32, in pixels."""
    around = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    circle = np.stack([-np.cos(around), -np.sin(around)], axis=1)
    jaw = [(-60 * np.cos(a), 80 * np.sin(a)) for a in np.linspace(0, np.pi, 17)]
    brows = [(x, -30) for x in (-48, -40, -32, -24, -16, 16, 24, 32, 40, 48)]
    nose = [(0, -15), (0, -5), (0, 5), (0, 15), *((x, 24 - abs(x) / 4) for x in range(-12, 13, 6))]
    eyes = [*(circle * (10, 8) + (-28, -14)), *(circle * (10, 8) + (28, -14))]
    mouth = [(25 * np.cos(a), 48 + 9 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 20)]
    face = np.array([*jaw, *brows, *nose, *eyes, *mouth])
    placed = face * random.uniform(1.6, 2.2) + (200, 180) + random.uniform(-10, 10, size=2)
    return placed.round().astype(np.int32)


def _painted(outline: object) -> np.ndarray:
    canvas = np.zeros((CANVAS, CANVAS), dtype=np.uint8)
    cv2.fillPoly(canvas, [np.asarray(outline).round().astype(np.int32)], 1)
    return canvas


def _painted_answer(answer: Answer) -> Answer:
    return lambda landmarks: _painted(answer(landmarks))


_compare_outlines = compare(
    _painted_answer(lambda landmarks: mask_outline(landmarks, "e")),
    lambda random: (drawn_face(random),),
    {
        _painted_answer(lambda x: np.vstack([x[1:15], x[35:30:-1]])): (
            "The jaw ends one landmark too early. Does a slice hold its last number?"
        ),
        _painted_answer(lambda x: np.vstack([x[1:16], x[31:36]])): (
            "The edge crosses itself: the jaw ends at one ear, and the nose begins at the other."
        ),
        _painted_answer(lambda x: np.vstack([x[1:16], x[34:30:-1]])): (
            "One landmark of the nose is missing."
        ),
        _painted_answer(lambda x: np.vstack([x[1:16], x[35:31:-1]])): (
            "One landmark of the nose is missing."
        ),
        _painted_answer(lambda x: x[1:16]): (
            "The upper edge runs straight from ear to ear. It is to pass under the nose."
        ),
        _painted_answer(lambda x: np.vstack([x[0:17], x[35:30:-1]])): (
            "The mask begins and ends one landmark too high on the jaw."
        ),
        _painted_answer(lambda x: np.vstack([x[1:16], x[29]])): (
            "That is shape c: it closes over the nose. Shape e passes under it."
        ),
    },
    "Go along the jaw from 1 to 15, and back under the nose from 35 to 31.",
)


def _no_outline(answer: Answer) -> str | None:
    face = drawn_face(np.random.default_rng())
    given = answer(face)
    if given is None:
        return NO_RETURN
    shape = np.shape(given)
    if len(shape) != 2 or shape[1] != 2 or shape[0] < 3:
        return f"An outline has three corners or more, each an x and a y; yours has shape {shape}."
    return None


def check_outline_e(answer: Answer) -> str | None:
    """A hint, unless the answer outlines shape e of any face."""
    return _no_outline(answer) or _compare_outlines(_painted_answer(answer))


def check_sunglasses(answer: Answer) -> str | None:
    """A hint, unless the outline covers both eyes and leaves nose tip and mouth free."""
    return _no_outline(answer) or next(
        filter(None, (_hint_on_glasses(answer) for _ in range(ROUNDS))), None
    )


def _hint_on_glasses(answer: Answer) -> str | None:
    face = drawn_face(np.random.default_rng())
    glasses = _painted(answer(face.copy()))
    column, row = face.T
    bare = [number for number in EYES if not glasses[row[number], column[number]]]
    covered = [number for number in LEFT_FREE if glasses[row[number], column[number]]]
    eyes = [_painted(face[start : start + 6]) for start in (36, 42)]
    if bare:
        return f"Landmark {bare[0]} is not covered. Does a slice hold its last number?"
    if covered:
        part = "nose" if covered[0] < 36 else "mouth"
        return f"Landmark {covered[0]} is covered, and it belongs to the {part}."
    if any((eye > glasses).any() for eye in eyes):
        return (
            "All corners are covered, and a part of an eye is bare: your outline goes round one "
            "eye and then round the other. What is the outline round both? (cv2.convexHull)"
        )
    return None
