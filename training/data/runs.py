"""Runs: pictures of a set that are frames of one clip, in their true order.

Sets were often numbered from a listing in which the frames' own numbers stood as text: 0,
1, 10, 100, 101, ..., 2, 20. A set is put back into the order of those numbers when that
makes neighbours more alike; then it is cut wherever two neighbours are not.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

THUMB_PX = 16
ALIKE = 0.88  # correlation of two thumbnails; frames of one clip have 0.95 and more
MIN_FRAMES = 12


def as_text(count: int) -> NDArray[np.intp]:
    """Where each of the numbers 0 to `count` - 1 stands in a listing sorted as text: (N,)."""
    listing = sorted(range(count), key=str)
    return np.argsort(listing)


def thumbnails(paths: Sequence[Path]) -> NDArray[np.float64]:
    """Each picture as a small grey vector of norm 1: (N, 256)."""
    rows = []
    for path in paths:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise ValueError(f"{path.name} is no picture")
        small = cv2.resize(grey, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.float64)
        small -= small.mean()
        rows.append(small.ravel() / max(float(np.linalg.norm(small)), 1e-9))
    return np.array(rows)


def find_runs(thumbs: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Indices of the pictures of each clip, in order; pictures that belong to none are left out.

    Args:
        thumbs: (N, D) of norm 1, in the order of the file names.
    """
    orders = (np.arange(len(thumbs)), as_text(len(thumbs)))
    found = [_cut(thumbs, order) for order in orders]
    return max(found, key=lambda runs: sum(map(len, runs)))


def _cut(thumbs: NDArray[np.float64], order: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    alike = np.sum(thumbs[order][1:] * thumbs[order][:-1], axis=1) > ALIKE
    runs = np.split(order, np.flatnonzero(~alike) + 1)
    return [run for run in runs if len(run) >= MIN_FRAMES]
