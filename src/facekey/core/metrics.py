"""Error rates in the words of ISO/IEC 19795-1 and 30107-3, from raw scores.

A score passes when it is at or above the threshold, everywhere.
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


def false_match_rate(impostor: Scores, threshold: float) -> float:
    """Share of comparisons of different people that pass."""
    return float((impostor >= threshold).mean())


def false_non_match_rate(mated: Scores, threshold: float) -> float:
    """Share of comparisons of one person with themselves that fail."""
    return float((mated < threshold).mean())


def threshold_at_fmr(impostor: Scores, fmr: float) -> float:
    """The lowest threshold whose false match rate is at most `fmr`.

    Raises:
        ValueError: there are too few impostor scores to see such a rate (fewer than 1/fmr).
    """
    allowed = int(np.floor(fmr * impostor.size))
    if allowed < 1:
        raise ValueError(f"{impostor.size} impostor scores can't show a rate of {fmr}")
    # The score with exactly `allowed` scores above it; just over it, at most those pass.
    cut = np.partition(impostor, impostor.size - allowed - 1)[impostor.size - allowed - 1]
    return float(np.nextafter(cut, np.inf))


def equal_error_rate(mated: Scores, impostor: Scores) -> tuple[float, float]:
    """The rate at which false matches and false non-matches are equally frequent, and its threshold."""
    thresholds = np.unique(np.concatenate([mated, impostor]))
    fnmr = np.searchsorted(np.sort(mated), thresholds, side="left") / mated.size
    fmr = 1.0 - np.searchsorted(np.sort(impostor), thresholds, side="left") / impostor.size
    best = int(np.argmin(np.abs(fnmr - fmr)))
    return float((fnmr[best] + fmr[best]) / 2.0), float(thresholds[best])


def area_under_roc(positive: Scores, negative: Scores) -> float:
    """Chance that a positive scores above a negative one; ties count half."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left")
    at_or_below = np.searchsorted(order, positive, side="right")
    return float((below + at_or_below).mean() / (2.0 * negative.size))
