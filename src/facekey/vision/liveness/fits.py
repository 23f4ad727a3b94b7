"""Fits: how well one kind of motion explains how points moved, for many pairs of frames at once.

Every function takes the points of T pairs of frames and gives the T root mean squares of
what the best motion of its kind leaves over, in sizes of the face, so that distance and
resolution drop out.
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating]
Residuals = NDArray[np.float64]

MIN_SIZE = 1e-6  # a face collapsed to a point must not divide by zero
RIDGE = 1e-9  # keeps the normal equations solvable when all points lie on one line


def sizes(points: Points) -> Residuals:
    """Root mean square distance of the points from their middle, in the plane: (T, P, D) -> (T,)."""
    flat = points[..., :2] - points[..., :2].mean(axis=-2, keepdims=True)
    result: Residuals = np.sqrt(np.square(flat).sum(axis=-1).mean(axis=-1)).astype(np.float64)
    return np.maximum(result, MIN_SIZE)


def after_similarity(before: Points, after: Points) -> Residuals:
    """What a turn, one scale and a shift in space leave over: (T, P, 3) twice -> (T,).

    Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 1991. A rigid head leaves little; mimic is what it leaves.
    """
    a, b = _centred(before), _centred(after)
    left, spread, right = np.linalg.svd(np.swapaxes(b, 1, 2) @ a)  # of (T, 3, 3)
    mirrored = np.sign(np.linalg.det(left @ right))  # (T,)
    signs = np.ones_like(spread)
    signs[:, 2] = mirrored
    turn = (left * signs[:, None]) @ right
    scale = (spread * signs).sum(axis=1) / np.maximum(np.square(a).sum(axis=(1, 2)), MIN_SIZE)
    moved = scale[:, None, None] * (a @ np.swapaxes(turn, 1, 2))
    return _left_over(b - moved, after)


def after_affine(before: Points, after: Points) -> Residuals:
    """What an affine motion of the plane leaves over: (T, P, 2) twice -> (T,)."""
    return _after_linear(_with_one(_scaled(before)), after)


def after_homography(before: Points, after: Points) -> Residuals:
    """What a picture on a flat sheet leaves over: (T, P, 2) twice -> (T,).

    The direct linear transformation with its last entry held at 1 (Hartley and Zisserman,
    "Multiple View Geometry", 2004, section 4.1); faces are small enough beside their
    distance that the algebraic error is close to the geometric one.
    """
    a, b = _scaled(before), _scaled(after)
    x, y, u, v = a[..., 0], a[..., 1], b[..., 0], b[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows_u = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1)  # (T, P, 8)
    rows_v = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1)
    rows, wanted = np.concatenate([rows_u, rows_v], axis=1), np.concatenate([u, v], axis=1)
    entries = _solved(rows, wanted[..., None])[..., 0]  # (T, 8)
    depth = 1.0 + np.einsum("tpc,tc->tp", a, entries[:, 6:])
    # A sheet seen edge on has no inverse; such a fit explains nothing.
    depth = np.where(np.abs(depth) < 0.1, 0.1, depth)
    seen = np.stack(
        [np.einsum("tpc,tc->tp", _with_one(a), entries[:, at : at + 3]) / depth for at in (0, 3)], axis=-1
    )
    return _root_mean_square(seen - b)


def _after_linear(given: NDArray[np.float64], after: Points) -> Residuals:
    wanted = _scaled(after)
    return _root_mean_square(wanted - given @ _solved(given, wanted))


def _solved(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares by the normal equations: (T, P, C), (T, P, D) -> (T, C, D)."""
    across = np.swapaxes(rows, 1, 2)
    square = across @ rows + RIDGE * np.eye(rows.shape[-1])
    return np.asarray(np.linalg.solve(square, across @ wanted), dtype=np.float64)


def _left_over(rest: NDArray[np.float64], points: Points) -> Residuals:
    return _root_mean_square(rest) / sizes(points)


def _root_mean_square(rest: NDArray[np.float64]) -> Residuals:
    result: Residuals = np.sqrt(np.square(rest).sum(axis=-1).mean(axis=-1))
    return result


def _centred(points: Points) -> NDArray[np.float64]:
    wide = points.astype(np.float64)
    result: NDArray[np.float64] = wide - wide.mean(axis=1, keepdims=True)
    return result


def _scaled(points: Points) -> NDArray[np.float64]:
    flat = _centred(points)[..., :2]
    flat = _centred(points)[..., :2]
    return np.asarray(flat / sizes(points)[:, None, None], dtype=np.float64)


def _with_one(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([points, np.ones_like(points[..., :1])], axis=-1)
