"""Mimic: blinks, speech and smiles, put onto what was measured of a drawn person.

A photo doesn't hold what lids and lips hide, so a face can't be drawn with its eyes shut.
What is measured of it can be changed: the distance of the lids shrinks, the jaw of the mesh
drops, the corners of its mouth move apart.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from facekey.core.types import Floats

LOWER_LIP = (14, 87, 178, 88, 95, 317, 402, 318, 324, 17, 84, 181, 91, 146, 314, 405, 321, 375)
CHIN = (152, 148, 176, 149, 150, 377, 400, 378, 379, 175, 199, 200, 18, 83, 313)
CORNERS = (61, 291)
FOREHEAD, CHIN_TIP = 10, 152

JAW_DROP = 0.16  # widths of the face, when somebody opens the mouth wide
SHUT = (0.25, 0.75)  # how much of the lids' distance a blink takes away, as measured of shut eyes
BLINK_S = (0.15, 0.4)
BLINKS_PER_S = (0.1, 0.6)


def with_blinks(lids: Floats, at_s: NDArray[np.float64], rng: Generator) -> Floats:
    """The same eyes, blinking: (T, 2) in and out."""
    shut = blinks(at_s, rng, per_s=rng.uniform(*BLINKS_PER_S)) * rng.uniform(*SHUT)
    return (lids * (1.0 - shut[:, None])).astype(np.float32)


def with_mimic(points: Floats, at_s: NDArray[np.float64], rng: Generator) -> Floats:
    """The same face, often with some speech or a smile: (T, 468, 3) in and out."""
    made = points.astype(np.float64)
    width = np.ptp(points[:, :, 0], axis=1)[:, None, None]  # (T, 1, 1)
    down = made[:, CHIN_TIP] - made[:, FOREHEAD]
    down = (down / np.linalg.norm(down, axis=1, keepdims=True))[:, None]  # (T, 1, 3)
    talking = float(rng.random() < 0.5) * rng.uniform(0.1, 0.8)
    jaw = talking * np.clip(wander(at_s, rng, 2.0) + 0.5 * wander(at_s, rng, 0.5), 0, None)
    drop = JAW_DROP * jaw[:, None, None] * width * down
    made[:, list(LOWER_LIP)] += drop
    made[:, list(CHIN)] += 0.8 * drop

    smiling = float(rng.random() < 0.4) * rng.uniform(0.3, 1.0)
    smile = smiling * np.clip(wander(at_s, rng, 0.3), 0, None)[:, None, None]
    for corner, side in zip(CORNERS, (-1.0, 1.0), strict=True):
        away = np.square((points - points[:, corner : corner + 1]) / (0.12 * width))
        near = np.exp(-away[..., :2].sum(axis=-1, keepdims=True))
        made[..., :1] += side * 0.05 * smile * width * near
        made[..., 1:2] -= 0.025 * smile * width * near
    return made.astype(np.float32)


def blinks(at_s: NDArray[np.float64], rng: Generator, *, per_s: float) -> NDArray[np.float64]:
    """How far the lids are shut: (T,), 0..1."""
    shut = np.zeros(len(at_s))
    at = at_s[0] + rng.exponential(1.0 / per_s)
    while at < at_s[-1]:
        phase = np.clip((at_s - at) / rng.uniform(*BLINK_S), -0.5, 0.5)
        shut = np.maximum(shut, np.clip(1.6 * np.cos(phase * np.pi), 0.0, 1.0))
        at += 0.4 + rng.exponential(1.0 / per_s)
    return shut


def wander(at_s: NDArray[np.float64], rng: Generator, speed_hz: float) -> NDArray[np.float64]:
    """Smooth, aimless motion about 0, of a typical size of 1, that comes and goes: (T,)."""
    total = np.zeros(len(at_s))
    for _ in range(4):
        total += np.sin(2 * np.pi * (at_s * speed_hz * rng.uniform(0.3, 1.6) + rng.random()))
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * (at_s * 0.15 * rng.uniform(0.5, 2) + rng.random()))
    return total / 1.6 * envelope
