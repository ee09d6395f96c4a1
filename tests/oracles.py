"""What dlib and LiteRT themselves give, and a slow search, to compare with."""

import dlib
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from eumlib.faces import align_five_points
from eumlib.masks import paint_mask


def dlib_embeddings(picture, mask, finder, recogniser):
    """Unmasked and masked embedding of a picture by dlib's own chips and network."""
    landmarks = finder.find(picture)
    points = dlib.points([dlib.point(int(x), int(y)) for x, y in landmarks])
    shape = dlib.full_object_detection(dlib.rectangle(), points)
    embeddings = []
    for view in (picture, paint_mask(picture, landmarks, mask)):
        chip = dlib.get_face_chip(view, shape, size=150, padding=0.25)
        values = np.array(recogniser.compute_face_descriptor(chip))
        embeddings.append(values / np.sqrt((values**2).sum()))
    return embeddings


def litert(path):
    """An interpreter of a TensorFlow Lite file, on one core."""
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def litert_output(interpreter, pixels):
    """What MobileFaceNet's file gives for one chip of pixels; it takes two at a time."""
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.set_tensor(given["index"], np.stack([pixels, pixels]))
    interpreter.invoke()
    return interpreter.get_tensor(made["index"])[0].copy()


def litert_embeddings(picture, mask, finder, interpreter):
    """Unmasked and masked embedding of a picture by MobileFaceNet's own file in LiteRT."""
    landmarks = finder.find(picture)
    embeddings = []
    for view in (picture, paint_mask(picture, landmarks, mask)):
        pixels = (align_five_points(view, landmarks, 112) - np.float32(127.5)) / 128
        values = litert_output(interpreter, pixels).astype(float)
        embeddings.append(values / np.sqrt((values**2).sum()))
    return embeddings


def slow_ranks(comparison):
    ranks = []
    references, probes = comparison.references, comparison.probes
    for j in range(len(probes)):
        own, others = [], []
        for i in range(len(references)):
            if references.pictures[i] != probes.pictures[j]:
                score = float(references.vectors[i] @ probes.vectors[j])
                mated = references.identities[i] == probes.identities[j]
                (own if mated else others).append(score)
        ranks.append(1 + sum(score >= max(own) for score in others) if own else 0)
    return np.array(ranks)
