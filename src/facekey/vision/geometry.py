"""Boxes, points and similarities. Pure numpy; no pictures and no networks.

Boxes are (N, 4) `xyxy`, points (N, 2) `(x, y)`, both in pixels. A similarity is a (2, 3)
matrix: rotation, one scale and a shift, never a mirror.
"""

import math

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats

MIN_SIDE = 1e-6  # keeps a division by an empty box finite


def areas(boxes: Floats) -> Floats:
    """Area of each box, 0 for an empty one: (N, 4) -> (N,)."""
    sides: Floats = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return sides[:, 0] * sides[:, 1]


def overlap(boxes: Floats, others: Floats, *, by_smaller: bool = False) -> Floats:
    """How much each of `boxes` shares with each of `others`: (N, 4), (M, 4) -> (N, M).

    `by_smaller` divides the shared area by the smaller box instead of by the union, so
    that a box inside another one counts as the same face.
    """
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])  # (N, M, 2)
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])  # (N, M, 2)
    sides = np.clip(high - low, 0, None)
    shared = sides[..., 0] * sides[..., 1]  # (N, M)
    first, second = areas(boxes)[:, None], areas(others)[None, :]
    whole = np.minimum(first, second) if by_smaller else first + second - shared
    result: Floats = (shared / np.maximum(whole, MIN_SIDE)).astype(np.float32)
    return result


def suppress(boxes: Floats, scores: Floats, *, limit: float, by_smaller: bool = False) -> NDArray[np.intp]:
    """Non-maximum suppression: indices of the boxes to keep, best score first.

    Args:
        boxes: (N, 4).
        scores: (N,).
        limit: a box that shares more than this with a better one is dropped.
        by_smaller: see `overlap`.
    """
    order = np.argsort(-scores, kind="stable")
    same = overlap(boxes[order], boxes[order], by_smaller=by_smaller) > limit
    alive = np.ones(len(order), dtype=bool)
    for index in range(len(order)):
        if alive[index]:
            alive[index + 1 :] &= ~same[index, index + 1 :]
    return order[alive]


def similarity(source: Floats, target: Floats) -> Floats:
    """The similarity that brings `source` nearest to `target` in the least-squares sense.

    Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 1991, in its closed form for the plane: with points as complex numbers
    the best turn and scale are one complex factor, which cannot mirror.

    Args:
        source: (N, 2), at least two different points.
        target: (N, 2).

    Returns:
        (2, 3) float32.

    Raises:
        ValueError: all source points are the same, or one is not finite.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    spread = float(np.square(a).sum())
    if not spread > MIN_SIDE:
        raise ValueError("a similarity needs two different points")
    cos = float((a * b).sum()) / spread
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = target_mean - turn @ source_mean
    return np.column_stack((turn, shift)).astype(np.float32)


def transform(points: Floats, matrix: Floats) -> Floats:
    """Send points through a (2, 3) matrix: (N, 2) -> (N, 2)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: Floats) -> Floats:
    """The similarity that undoes `matrix`: (2, 3) -> (2, 3)."""
    cos, sin = float(matrix[0, 0]), float(matrix[1, 0])
    turn = np.array([[cos, sin], [-sin, cos]]) / (cos * cos + sin * sin)
    return np.column_stack((turn, -turn @ matrix[:, 2])).astype(np.float32)


def scale_of(matrix: Floats) -> float:
    """How much larger a similarity makes things."""
    return math.hypot(float(matrix[0, 0]), float(matrix[1, 0]))


def square_crop(center: Floats, side: float, *, angle_rad: float, crop_px: int) -> Floats:
    """The similarity that maps a turned square of the frame onto a square crop.

    Args:
        center: (2,), middle of the square, in frame pixels.
        side: side of the square, in frame pixels.
        angle_rad: how far the square's upper edge is turned clockwise in the picture.
        crop_px: side of the crop.

    Returns:
        (2, 3) float32, frame to crop.
    """
    scale = crop_px / side
    cos, sin = math.cos(angle_rad) * scale, math.sin(angle_rad) * scale
    turn = np.array([[cos, sin], [-sin, cos]])
    shift = crop_px / 2 - turn @ center
    return np.column_stack((turn, shift)).astype(np.float32)


def plausible_face(boxes: Floats, landmarks: Floats) -> NDArray[np.bool_]:
    """Which detections have their five points where a face can have them.

    A detector that fires on a pattern puts the points anywhere. A real face has them
    near its box, eyes apart, and the mouth on the other side of the nose from the eyes.
    The test holds for any turn in the plane and for profiles, where eyes and nose
    nearly fall together, so it only drops what is absurd.

    Args:
        boxes: (N, 4).
        landmarks: (N, 5, 2).

    Returns:
        (N,) bool.
    """
    sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
    size = np.maximum(np.sqrt(np.maximum(areas(boxes), 0)), MIN_SIDE)  # (N,)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = np.all(np.abs(landmarks - center[:, None]) <= 0.75 * sides[:, None], axis=(1, 2))
    eyes, mouth = landmarks[:, :2].mean(axis=1), landmarks[:, 3:].mean(axis=1)
    down = mouth - eyes  # (N, 2), from the eyes to the mouth
    length = np.linalg.norm(down, axis=1)
    tall = (length > 0.15 * size) & (length < 1.2 * size)
    along = ((landmarks[:, 2] - eyes) * down).sum(axis=1) / np.maximum(length, MIN_SIDE) ** 2
    between = (along > -0.3) & (along < 1.3)  # the nose lies between eyes and mouth
    across = landmarks[:, 1] - landmarks[:, 0]  # (N, 2), from the right to the left eye
    # Seen along the face's own axes the left eye lies to the right; profiles may touch zero.
    sideways = (across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]) / np.maximum(length, MIN_SIDE)
    ordered = sideways > -0.05 * size
    finite = np.isfinite(landmarks).all(axis=(1, 2)) & np.isfinite(boxes).all(axis=1)
    result: NDArray[np.bool_] = finite & inside & tall & between & ordered & (sides > 0).all(axis=1)
    return result
