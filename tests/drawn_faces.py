"""A face drawn by formula: its 68 landmarks, turned as far as a test likes."""

import cv2
import numpy as np


def drawn_landmarks(turn=0.0, half_width=60.0, centre=(130.0, 120.0)):
    """``(68, 2)`` float64; at `turn` degrees above 0 the face looks to the picture's right."""
    place = np.arange(-8, 9)
    angle = np.sign(place) * np.radians(80) * (np.abs(place) / 8) ** 0.75
    jaw = [np.sin(angle), 1.25 * (1 - (np.abs(place) / 8) ** 2.2), np.cos(angle)]
    flat = np.array([*brows(), *nose(), *eyes(), *mouth()])
    depth = np.sqrt(1 - flat[:, 0] ** 2)
    depth[10:14] += [0.05, 0.15, 0.25, 0.35]  # the nose's ridge, landmarks 27 to 30
    x, y, z = np.concatenate([np.transpose(jaw), np.column_stack([flat, depth])]).T
    x = x * np.cos(np.radians(turn)) + z * np.sin(np.radians(turn))
    # What lies behind the outline is marked on the outline, as dlib does.
    x[8:17] = np.maximum.accumulate(x[8:17])
    x[:9] = np.minimum.accumulate(x[8::-1])[::-1]
    return np.column_stack([x, y]) * half_width + centre


def brows():
    x = np.linspace(-0.75, -0.2, 5)
    y = -0.45 - 0.08 * np.sin(np.linspace(0, np.pi, 5))
    return [*zip(x, y, strict=True), *zip(-x[::-1], y[::-1], strict=True)]


def nose():
    ridge = [(0, -0.25), (0, -0.08), (0, 0.10), (0, 0.27)]
    return [*ridge, (-0.18, 0.36), (-0.09, 0.39), (0, 0.41), (0.09, 0.39), (0.18, 0.36)]


def eyes():
    shape = np.array(
        [(-0.16, 0), (-0.06, -0.06), (0.06, -0.06), (0.16, 0), (0.06, 0.05), (-0.06, 0.05)]
    )
    return [*np.subtract(shape, [0.4, 0.2]), *np.add(shape, [0.4, -0.2])]


def mouth():
    outer, inner = np.radians(np.arange(180, 540, 30)), np.radians(np.arange(180, 540, 45))
    return [
        *((0.33 * np.cos(a), 0.68 + 0.12 * np.sin(a)) for a in outer),
        *((0.26 * np.cos(a), 0.68 + 0.04 * np.sin(a)) for a in inner),
    ]


def drawn_picture(landmarks, skin=(205, 165, 140), size=(260, 260)):
    """A plain face on a plain ground, RGB uint8: nothing in it but skin."""
    picture = np.full((*size[::-1], 3), (90, 110, 120), dtype=np.uint8)
    forehead = landmarks[26:16:-1] - 0.3 * (landmarks[8] - landmarks[27])
    outline = np.concatenate([landmarks[:17], forehead])
    cv2.fillPoly(picture, [outline.round().astype(np.int32)], skin, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 1.2)
