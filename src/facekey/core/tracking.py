"""Tracking: the same face throughout, by its place and by its identity.

Every frame is held against the frame before and against the first frames. Somebody who
answers a challenge and then shows the victim's picture, or the other way round, changes
place, identity, or both.

The lines were measured on the live clips of the spoof data, in which people turn from -50
to 45 degrees: the face moved by at most 0.17 of its width within 0.07 s and 0.53 within
0.5 s; its size changed by at most a factor of 1.3; evidence of the same person was at
least 2.6 decades between any two frames up to 0.5 s apart and 3.4 against the first frames.
"""

import math
from collections.abc import Sequence

import numpy as np

from facekey.core.faults import Fault
from facekey.core.matching import Matcher
from facekey.core.types import Box, Embedding, Floats, Glimpse, References, SubjectId, Template

LOST_S = 2.0  # longer without a face, and it isn't tracked any more
JUMP, JUMP_PER_S = 0.35, 1.2  # in widths of the face
GROWTH, GROWTH_PER_S = 0.25, 0.6  # of the logarithm of the width
SAME_FACE_EVIDENCE = 2.0  # decades: 99 of 100 strangers are below, in each of many frames
ANCHOR_FRAMES = 5


class Tracker:
    """Follows one face."""

    def __init__(self, matcher: Matcher) -> None:
        """Begin with the first frame that comes."""
        self._matcher = matcher
        self._last: Glimpse | None = None
        self._anchors: list[Glimpse] = []

    def see(self, glimpse: Glimpse) -> Fault | None:
        """Take the next frame; a fault means that it doesn't continue the ones before.

        (1) Time goes forward. (2) The face was seen a moment ago. (3) It is about where it
        was. (4) It is the face of the frame before, and of the first frames.
        """
        last = self._last
        if last is not None:
            elapsed_s = glimpse.at_s - last.at_s
            # (1)
            if not elapsed_s > 0:
                return Fault.TIME_BACKWARDS
            # (2)
            if elapsed_s > LOST_S:
                return Fault.FACE_LOST
            # (3)
            if _jumped(last.evidence.detection.box, glimpse.evidence.detection.box, elapsed_s):
                return Fault.FACE_JUMPED
            # (4)
            if not (self._alike(glimpse, [last]) and self._alike(glimpse, self._anchors)):
                return Fault.OTHER_FACE
        self._last = glimpse
        if len(self._anchors) < ANCHOR_FRAMES:
            self._anchors.append(glimpse)
        return None

    def _alike(self, glimpse: Glimpse, others: Sequence[Glimpse]) -> bool:
        match = self._matcher.compare(glimpse.evidence.embeddings, _template(others))
        return match.evidence >= SAME_FACE_EVIDENCE


def _jumped(before: Box, after: Box, elapsed_s: float) -> bool:
    width = max(before.width, 1.0)
    across = (after.x1 + after.x2 - before.x1 - before.x2) / 2
    down = (after.y1 + after.y2 - before.y1 - before.y2) / 2
    moved = math.hypot(across, down) / width
    grown = abs(math.log(max(after.width, 1.0) / width))
    return moved > JUMP + JUMP_PER_S * elapsed_s or grown > GROWTH + GROWTH_PER_S * elapsed_s


def _template(glimpses: Sequence[Glimpse]) -> Template:
    """The frames as if they had been enrolled; nobody sees it outside of this file."""
    by_network: list[tuple[Embedding, ...]] = list(
        zip(*(one.evidence.embeddings for one in glimpses), strict=True)
    )
    return Template(
        SubjectId("tracked"), tuple(References(same[0].model, _stacked(same)) for same in by_network)
    )


def _stacked(embeddings: Sequence[Embedding]) -> Floats:
    return np.stack([embedding.vector for embedding in embeddings])
