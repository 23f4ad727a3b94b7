"""How sure a figure is."""

import math
from collections.abc import Sequence

import numpy as np

from facekey.evaluation.rates import share
from facekey.evaluation.report import written as written_share

Z95 = 1.959964


def written(hits: int, total: int) -> str:
    """`99.02 % [98.75, 99.24] (5,941 of 6,000)`: with Wilson's 95 % interval."""
    return written_share(share(hits, total))


def median(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and its 95 % interval, from the order of the values alone.

    How many of n values lie below the true median is binomial(n, 1/2), whatever their
    distribution; the interval ends at the values whose ranks bound 95 % of it (normal
    approximation; with fewer than six values it is all of them).

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("no values, no median")
    ordered = sorted(values)
    half = Z95 * math.sqrt(len(ordered)) / 2
    low = max(0, math.floor(len(ordered) / 2 - half))
    high = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + half))
    return float(np.median(ordered)), ordered[low], ordered[high]
