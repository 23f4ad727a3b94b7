"""How a vector is kept for searching: one byte a number.

Each vector is stretched until its largest number is 127, and rounded. The step is then a
fortieth of a number's usual size, so a cosine changes by less than 0.001 (measured by
`make bench NAMES=gallery`), whatever the network's scale. Who is named is decided on the
sealed templates, never on these rows.
"""

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats

Row = NDArray[np.int8]
Rows = NDArray[np.int8]
LARGEST = 127.0


def quantised(vectors: Floats) -> Rows:
    """Rows for vectors.

    Args:
        vectors: (N, D) float32, none of them zero.

    Returns:
        (N, D) int8, each in the direction of its vector.
    """
    peaks = np.abs(vectors).max(axis=1, keepdims=True)  # (N, 1)
    rows: Rows = np.rint(vectors * (LARGEST / peaks)).astype(np.int8)
    return rows


def lengths(rows: Rows) -> Floats:
    """The Euclidean lengths of rows, (N,) float32."""
    squares: Floats = np.einsum("nd,nd->n", rows, rows, dtype=np.int32).astype(np.float32)
    return np.sqrt(squares)
