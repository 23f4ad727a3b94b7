"""Pooling: many frames of one session held against one template, as one comparison.

Evidence is -log10 of a p-value. Twice the median of any p-values is again a valid one,
however much they depend on each other (Rueger, "Das maximale Signifikanzniveau des Tests
'Lehne H0 ab, wenn k unter n gegebenen Tests zur Ablehnung fuehren'", Metrika 25, 1978). The
median, because one frame must not decide: neither a blurred one against a person nor a
victim's one among an impostor's.
"""

import math
import statistics
from collections.abc import Sequence

from facekey.core.matching import Match

PRICE = math.log10(2.0)  # the factor 2, in decades
WINDOW_EVIDENCE = 2.0  # each part of the session by itself: 99 of 100 strangers are below


def pool(windows: Sequence[Sequence[Match]]) -> Match:
    """One match for a whole session.

    All frames count alike, at rest and in every answer. Where one part of the session by
    itself doesn't look like the person, that part is the answer: otherwise a long
    stretch of the victim's picture could carry somebody else's answer.

    Args:
        windows: for each part of the session the matches of its frames.

    Raises:
        ValueError: there is no part, or one without frames.
    """
    if not windows or not all(windows):
        raise ValueError("there must be frames in every part of a session")
    parts = [_median(window) for window in windows]
    weakest = min(parts, key=lambda match: match.evidence)
    if weakest.evidence < WINDOW_EVIDENCE:
        return weakest
    return _median([match for window in windows for match in window])


def _median(matches: Sequence[Match]) -> Match:
    middle = statistics.median_low([match.evidence for match in matches]) - PRICE
    by_network = {
        model: statistics.median_low([match.by_network[model] for match in matches])
        for model in matches[0].by_network
    }
    return Match(max(0.0, middle), by_network)
