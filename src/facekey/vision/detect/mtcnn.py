"""MTCNN: three small networks in a row, each looking closer at fewer windows.

Paper:    Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded
          Convolutional Networks", 2016, https://arxiv.org/abs/1604.02878
Input:    (N, H, W, 3) uint8 RGB; P-Net any size from 12 px, R-Net 24 px, O-Net 48 px
Output:   P-Net (N, 4, h, w) shifts and (N, 2, h, w) softmax; R-Net (N, 4) and (N, 2);
          O-Net (N, 4), (N, 10) points as fractions of the window, all x before all y,
          and (N, 2)
Weights:  named, hashed and licensed in models/mtcnn_*.toml

Slower than RetinaFace and less sure, but built and trained differently, so it finds
some of what the other one misses.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Box, Detection, Floats, Frame, Pixels
from facekey.vision.geometry import plausible_face, suppress
from facekey.zoo.onnx import OnnxSession

P_STRIDE, P_WINDOW = 2, 12  # P-Net looks at 12 px every 2 px
R_PX, O_PX = 24, 48
MAX_PER_LEVEL = 600  # windows of one pyramid level that go on to suppression
MAX_WINDOWS = 256  # windows that go on to R-Net and to O-Net
LEVEL_OVERLAP = 0.5
WINDOW_OVERLAP = 0.7


@dataclass(frozen=True, slots=True)
class MtcnnOptions:
    """How hard to look. Scores and pyramid step are those of the paper's authors.

    Attributes:
        min_face_px: smaller faces are not looked for, in pixels of the shrunken picture.
        side_px: the long side of a larger picture is shrunk to this. With `min_face_px`
            it bounds the work.
        min_scores: what a window must reach in P-, R- and O-Net.
        pyramid_step: how much smaller each level of the pyramid is.
    """

    min_face_px: float = 24.0
    side_px: int = 720
    min_scores: tuple[float, float, float] = (0.6, 0.7, 0.7)
    pyramid_step: float = 0.709


class Mtcnn:
    """Implements `core.ports.vision.Detector`. Holds no state; safe to share between threads."""

    def __init__(
        self,
        *,
        pnet: OnnxSession,
        rnet: OnnxSession,
        onet: OnnxSession,
        options: MtcnnOptions | None = None,
    ) -> None:
        """Wrap the three loaded networks.

        Raises:
            ModelError: a network's shapes are not the ones in this file's header.
        """
        pnet.require(inputs=[(None, None, 3)], outputs=[(4, None, None), (2, None, None)])
        rnet.require(inputs=[(R_PX, R_PX, 3)], outputs=[(4,), (2,)])
        onet.require(inputs=[(O_PX, O_PX, 3)], outputs=[(4,), (10,), (2,)])
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._options = options or MtcnnOptions()

    def detect(self, frame: Frame) -> list[Detection]:
        """All faces of the frame, best score first; an empty list when there is none.

        Raises:
            ModelOutputInvalid: a network gave a number that is not finite.
        """
        scale = min(1.0, self._options.side_px / max(frame.size))
        pixels = _resize(frame.pixels, scale)
        boxes = self._propose(pixels)
        boxes = self._refine(pixels, boxes)
        boxes, points, scores = self._output(pixels, boxes)
        sane = plausible_face(boxes, points)
        return [
            Detection(Box(*(float(edge) for edge in box)), landmarks, float(score), self._onet.model_id)
            for box, landmarks, score in zip(
                boxes[sane] / scale, points[sane] / scale, scores[sane], strict=True
            )
        ]

    def _propose(self, pixels: Pixels) -> Floats:
        """P-Net over the pyramid: (K, 4) square windows."""
        found: list[Floats] = [np.empty((0, 5), np.float32)]
        scale = P_WINDOW / self._options.min_face_px
        while min(pixels.shape[:2]) * scale >= P_WINDOW:
            level = _resize(pixels, scale)
            shifts, probabilities = self._run(self._pnet, level[None])
            found.append(_windows(shifts[0], probabilities[0, 1], scale, self._options.min_scores[0]))
            scale *= self._options.pyramid_step
        windows = np.concatenate(found)  # (K, 5) box and score
        kept = suppress(windows[:, :4], windows[:, 4], limit=WINDOW_OVERLAP)[:MAX_WINDOWS]
        return _squared(windows[kept, :4])

    def _refine(self, pixels: Pixels, boxes: Floats) -> Floats:
        """R-Net over the windows: (K, 4) to (L, 4) square windows."""
        if not len(boxes):
            return boxes
        shifts, probabilities = self._run(self._rnet, _cut(pixels, boxes, R_PX))
        scores = probabilities[:, 1]
        keep = np.flatnonzero(scores > self._options.min_scores[1])
        keep = keep[suppress(boxes[keep], scores[keep], limit=WINDOW_OVERLAP)]
        return _squared(_moved(boxes[keep], shifts[keep]))

    def _output(self, pixels: Pixels, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """O-Net over the windows: (L, 4) to (M, 4) boxes, (M, 5, 2) points, (M,) scores."""
        if not len(boxes):
            return boxes, np.empty((0, 5, 2), np.float32), np.empty(0, np.float32)
        shifts, fractions, probabilities = self._run(self._onet, _cut(pixels, boxes, O_PX))
        keep = np.flatnonzero(probabilities[:, 1] > self._options.min_scores[2])
        windows, scores = boxes[keep], probabilities[keep, 1]
        sides = windows[:, 2:] - windows[:, :2]  # (M, 2)
        points = np.stack((fractions[keep, :5], fractions[keep, 5:]), axis=-1)  # (M, 5, 2)
        landmarks = windows[:, None, :2] + points * sides[:, None]
        moved = _moved(windows, shifts[keep])
        best = suppress(moved, scores, limit=WINDOW_OVERLAP, by_smaller=True)
        return moved[best], landmarks[best], scores[best]

    @staticmethod
    def _run(session: OnnxSession, pixels: Pixels) -> list[Floats]:
        outputs = session.run(np.ascontiguousarray(pixels))
        if not all(np.isfinite(output).all() for output in outputs):
            raise ModelOutputInvalid(session.model_id, "an output is not finite")
        return outputs


def _windows(shifts: Floats, scores: Floats, scale: float, min_score: float) -> Floats:
    """The windows of one pyramid level that may hold a face.

    Args:
        shifts: (4, h, w).
        scores: (h, w).
        scale: of the level.
        min_score: weaker windows are dropped.

    Returns:
        (K, 5) float32: moved box in pixels of the unscaled picture, and score.
    """
    rows, columns = np.nonzero(scores >= min_score)
    score = scores[rows, columns]
    if len(score) > MAX_PER_LEVEL:
        best = np.argpartition(-score, MAX_PER_LEVEL)[:MAX_PER_LEVEL]
        rows, columns, score = rows[best], columns[best], score[best]
    corner = np.stack((columns, rows), axis=1) * P_STRIDE
    boxes = (np.concatenate((corner, corner + P_WINDOW), axis=1) / scale).astype(np.float32)  # (K, 4)
    kept = suppress(boxes, score, limit=LEVEL_OVERLAP)
    moved = _moved(boxes[kept], shifts[:, rows[kept], columns[kept]].T)
    return np.column_stack((moved, score[kept])).astype(np.float32)


def _moved(boxes: Floats, shifts: Floats) -> Floats:
    """Move each side by a fraction of the box: (K, 4), (K, 4) -> (K, 4)."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)  # (K, 4)
    return boxes + shifts * sides


def _squared(boxes: Floats) -> Floats:
    """The square around the middle of each box, as long as its longer side."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate((center - half, center + half), axis=1)


def _cut(pixels: Pixels, boxes: Floats, side_px: int) -> Pixels:
    """Cut square windows out of the picture, black beyond its edge: (K, S, S, 3).

    One cut for each window: they are few, and each is one call into OpenCV.
    """
    height, width = pixels.shape[:2]
    cut = np.zeros((len(boxes), side_px, side_px, 3), np.uint8)
    edges: NDArray[np.intp] = np.round(boxes).astype(np.intp)
    for window, (x1, y1, x2, y2) in zip(cut, edges, strict=True):
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if right <= left or bottom <= top:
            continue  # wholly outside: stays black, and no network takes black for a face
        part = np.zeros((max(y2 - y1, 1), max(x2 - x1, 1), 3), np.uint8)
        part[top - y1 : bottom - y1, left - x1 : right - x1] = pixels[top:bottom, left:right]
        how = cv2.INTER_AREA if part.shape[0] > side_px else cv2.INTER_LINEAR
        window[:] = cv2.resize(part, (side_px, side_px), interpolation=how)
    return cut


def _resize(pixels: Pixels, scale: float) -> Pixels:
    if scale == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, int(width * scale + 1)), max(1, int(height * scale + 1)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)
