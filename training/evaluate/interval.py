"""Clopper-Pearson: the interval that is never too narrow for a share of yes-or-no trials.

Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of
the Binomial", Biometrika 1934; what ISO/IEC 19795-1 asks for.
"""

import math
from collections.abc import Callable

STEPS = 60  # halvings of the interval 0..1


def clopper_pearson(hits: int, count: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of true rates under which `hits` of `count` would not be surprising.

    Raises:
        ValueError: there was no trial, or more hits than trials.
    """
    if not 0 <= hits <= count or count == 0:
        raise ValueError(f"{hits} hits of {count} trials is no rate")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else _solve(lambda rate: 1.0 - _at_most(hits - 1, count, rate), tail)
    high = 1.0 if hits == count else 1.0 - _solve(lambda rate: _at_most(hits, count, 1.0 - rate), tail)
    return low, high


def _at_most(hits: int, count: int, rate: float) -> float:
    """Chance of `hits` or fewer in `count` trials, each a hit with `rate`."""
    if rate <= 0.0:
        return 1.0
    if rate >= 1.0:
        return 1.0 if hits >= count else 0.0
    whole = math.lgamma(count + 1)
    return min(
        1.0,
        sum(
            math.exp(
                whole
                - math.lgamma(k + 1)
                - math.lgamma(count - k + 1)
                + k * math.log(rate)
                + (count - k) * math.log1p(-rate)
            )
            for k in range(hits + 1)
        ),
    )


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """Where a function that rises from 0 to 1 over 0..1 reaches `wanted`."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
