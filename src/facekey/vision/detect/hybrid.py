"""Hybrid: RetinaFace first, MTCNN when it finds nothing good, then turned pictures.

Detectors are trained on upright people. A photo lying on its side, without the EXIF note
that says so, still gives a hit at times, but the five points are then placed wrongly and
the face could not be aligned. So a strong turn counts as not good enough too.

The work is bounded: at most one look of each detector and `len(QUARTER_TURNS)` more of
the first one.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from facekey.core.ports import Detector
from facekey.core.types import Box, Detection, Floats, Frame
from facekey.vision.align import upright_angle

QUARTER_TURNS = (1, 3, 2)  # counter-clockwise; a photo upside down is the rarest


@dataclass(frozen=True, slots=True)
class HybridOptions:
    """When to look again.

    Attributes:
        good_score: what the best face must reach to be good enough. RetinaFace gives
            0.99 and more to nearly every upright photographed face, and less to masks,
            blur, and faces upside down.
        max_tilt_deg: a face turned further in the picture is looked at in a turned one.
    """

    good_score: float = 0.95
    max_tilt_deg: float = 50.0


class HybridDetector:
    """Implements `core.ports.Detector`. Holds no state; safe to share between threads."""

    def __init__(
        self, first: Detector, second: Detector | None = None, options: HybridOptions | None = None
    ) -> None:
        """Take the detectors in the order they are asked.

        Args:
            first: fast; also asked about the turned pictures.
            second: asked when `first` found nothing good; may be missing.
            options: when to look again.
        """
        self._first, self._second = first, second
        self._options = options or HybridOptions()

    def detect(self, frame: Frame) -> list[Detection]:
        """All faces of the frame, best score first; an empty list when there is none."""
        found = self._first.detect(frame)
        if self._good(found):
            return found
        if self._second is not None:
            other = self._second.detect(frame)
            if self._good(other):
                return other
            found = _better(found, other)
        for turns in _likely_first(found):
            turned = Frame(np.ascontiguousarray(np.rot90(frame.pixels, turns)))
            faces = self._first.detect(turned)
            if self._good(faces):
                return [_turned_back(face, frame.size, turns) for face in faces]
            # A weak upright hit in a turned picture is no reason to turn it.
        return found

    def _good(self, faces: list[Detection]) -> bool:
        if not faces or faces[0].score < self._options.good_score:
            return False
        return abs(_tilt_deg(faces)) <= self._options.max_tilt_deg


def _tilt_deg(faces: list[Detection]) -> float:
    """How far the largest face is turned clockwise; in a photo on its side, all are."""
    largest = max(faces, key=lambda face: face.box.area)
    return math.degrees(upright_angle(largest.landmarks))


def _likely_first(found: list[Detection]) -> tuple[int, ...]:
    """The turns, beginning with the one that brings a tilted face nearer to upright.

    Seen from the wrong side a head may still pass for an upright one, with its points
    misplaced, so the order matters: the first good look wins.
    """
    if found and _tilt_deg(found) < 0:
        return tuple(-turns % 4 for turns in QUARTER_TURNS)
    return QUARTER_TURNS


def _better(found: list[Detection], other: list[Detection]) -> list[Detection]:
    return max(found, other, key=lambda faces: faces[0].score if faces else 0.0)


def _turned_back(face: Detection, size: tuple[int, int], turns: int) -> Detection:
    """Express a face found in a picture turned counter-clockwise in the picture as it was.

    Args:
        face: in pixels of the turned picture.
        size: (height, width) of the picture as it was.
        turns: quarter turns, 1 to 3.
    """
    corners = np.array([[face.box.x1, face.box.y1], [face.box.x2, face.box.y2]], np.float32)
    first, second = _points_back(corners, size, turns)
    low, high = np.minimum(first, second), np.maximum(first, second)
    return replace(
        face,
        box=Box(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        landmarks=_points_back(face.landmarks, size, turns),
    )


def _points_back(points: Floats, size: tuple[int, int], turns: int) -> Floats:
    height, width = size
    x, y = points[:, 0], points[:, 1]
    back = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turns]
    return np.stack(back, axis=1).astype(np.float32)
