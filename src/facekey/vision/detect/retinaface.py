"""RetinaFace with a MobileNet-0.25 body: boxes, five points and a score in one pass.

Paper:    Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the
          Wild", CVPR 2020, https://arxiv.org/abs/1905.00641
Input:    (N, H, W, 3) uint8 RGB, any H and W; what training took off is in the graph
Output:   (N, A, 4) box offsets, (N, A, 2) softmax of background and face,
          (N, A, 10) point offsets; A anchors over strides 8, 16 and 32
Weights:  named, hashed and licensed in models/retinaface.toml
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Box, Detection, Floats, Frame, Pixels
from facekey.vision.geometry import plausible_face, suppress
from facekey.vision.subject import SubjectPolicy, clear_subject
from facekey.zoo.onnx import OnnxSession

STRIDES = (8, 16, 32)
ANCHOR_PX = ((16, 32), (64, 128), (256, 512))
CENTER_VARIANCE = 0.1
SIZE_VARIANCE = 0.2
MAX_CANDIDATES = 400  # before suppression, which compares all with all
NEAR_MARGIN = 1.1  # boxes of two looks differ a little
SIDE_STEP_PX = 64  # few different shapes: see `_fit`
MAX_LOG_GROWTH = 4.0  # e^4 = 55 anchors wide: past any face, and far from overflow


@dataclass(frozen=True, slots=True)
class RetinaFaceOptions:
    """How hard to look.

    A picture is first looked at small, which takes a quarter of the time: whoever stands
    before a camera to sign in fills a good part of the picture. That look is enough when its
    subject is beyond doubt and near, so that its five points are as exact as they get and no
    face too small to be seen there could come into question beside it. Else there is a closer
    look, as close as the face that was found asks for, or the usual one.

    Attributes:
        min_score: weaker candidates are not faces. 0.5 is where the network was trained to decide.
        max_overlap: two boxes that share more than this (IoU) are the same face.
        small_side_px: the long side of the picture is brought to this for the small look.
        sure_score: what the subject must reach in the small look for it to be enough.
        near_px: what the shorter side of the subject's face must have in a look before the usual
            one. In a look where it has 40 px, the five points are so much less exact that the
            cosine with another photo of the same person falls by 0.011 (250 people of LFW); with
            64 px and more it is what it is after the usual look, to 0.001.
        unseen_px: faces with shorter sides can go unseen in any look. Of 400 faces of LFW
            brought to 32 px, 99.8 % have a score of 0.8 and more; to 24 px, 96 %.
        side_px: the long side for the usual look.
        large_side_px: the long side for the closest look, taken when the usual one found
            nothing good and the picture has the pixels.
        good_score: what the usual look must reach to be enough.
        max_enlarge: a small picture is enlarged by at most this factor; beyond it there
            is nothing new to see.
    """

    min_score: float = 0.5
    max_overlap: float = 0.4
    small_side_px: int = 320
    sure_score: float = 0.998
    near_px: int = 64
    unseen_px: int = 32
    side_px: int = 640
    large_side_px: int = 1280
    good_score: float = 0.9
    max_enlarge: float = 2.0


class RetinaFace:
    """Implements `core.ports.vision.Detector`. Holds no state; safe to share between threads."""

    def __init__(
        self,
        session: OnnxSession,
        options: RetinaFaceOptions | None = None,
        *,
        subject: SubjectPolicy | None = None,
    ) -> None:
        """Wrap a loaded network.

        Args:
            session: the network.
            options: how hard to look.
            subject: when one face of several is clearly meant.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(inputs=[(None, None, 3)], outputs=[(None, 4), (None, 2), (None, 10)])
        self._session = session
        self._options = options or RetinaFaceOptions()
        self._subject = subject or SubjectPolicy()

    def detect(self, frame: Frame) -> list[Detection]:
        """All faces of the frame, best score first; an empty list when there is none.

        Raises:
            ModelOutputInvalid: the network gave a number that is not finite.
        """
        options, long_side = self._options, max(frame.size)
        side_px = options.small_side_px
        for _ in range(2):  # the small look, and one as close as what it found asks for
            if self._scale(long_side, side_px) >= self._scale(long_side, options.side_px):
                break
            found = self._look(frame.pixels, side_px)
            if self._is_enough(found, frame.size, side_px):
                return found
            side_px = self._near_enough(found, side_px, long_side)
        found = self._look(frame.pixels, options.side_px)
        good = bool(found) and found[0].score >= options.good_score
        # Faces under about 16 px of the usual look can't be seen there.
        if not good and long_side > 1.25 * options.side_px:
            closer = self._look(frame.pixels, options.large_side_px)
            found = max(found, closer, key=lambda faces: faces[0].score if faces else 0.0)
        return found

    def _near_enough(self, found: list[Detection], side_px: int, long_side: int) -> int:
        """The long side of a look in which the largest of these faces would be near."""
        options = self._options
        largest = max((min(face.box.width, face.box.height) for face in found), default=0.0)
        seen_px = self._scale(long_side, side_px) * largest
        if not 0.0 < seen_px < options.near_px:
            return options.side_px
        wanted = side_px * NEAR_MARGIN * options.near_px / seen_px
        return SIDE_STEP_PX * math.ceil(wanted / SIDE_STEP_PX)

    def _is_enough(self, found: list[Detection], size: tuple[int, int], side_px: int) -> bool:
        """Whether a closer look than this one could not change whose face this is about."""
        options = self._options
        scale = self._scale(max(size), side_px)
        subject = clear_subject(found, size, self._subject, unseen=options.unseen_px / scale)
        return (
            subject is not None
            and subject.score >= options.sure_score
            and scale * min(subject.box.width, subject.box.height) >= options.near_px
        )

    def _scale(self, long_side: int, side_px: int) -> float:
        """Pixels of a look for each of the frame."""
        return min(side_px / long_side, self._options.max_enlarge)

    def _look(self, pixels: Pixels, side_px: int) -> list[Detection]:
        """Detect at one size, and give the result in frame pixels."""
        scale = self._scale(max(pixels.shape[:2]), side_px)
        image = _fit(pixels, scale)
        height, width = image.shape[:2]
        offsets, scores, points = self._session.run(np.ascontiguousarray(image)[None])  # (1, H, W, 3)
        if not all(np.isfinite(output).all() for output in (offsets, scores, points)):
            raise ModelOutputInvalid(self._session.model_id, "an output is not finite")

        face = scores[0, :, 1]  # (A,)
        keep = np.flatnonzero(face >= self._options.min_score)
        if len(keep) > MAX_CANDIDATES:
            keep = keep[np.argpartition(-face[keep], MAX_CANDIDATES)[:MAX_CANDIDATES]]
        if not len(keep):
            return []
        anchors = _anchors(height, width)[keep]  # (K, 4)
        boxes = _boxes(offsets[0, keep], anchors) / scale  # (K, 4)
        landmarks = _landmarks(points[0, keep], anchors) / scale  # (K, 5, 2)
        kept = suppress(boxes, face[keep], limit=self._options.max_overlap)
        kept = kept[plausible_face(boxes[kept], landmarks[kept])]
        return [
            Detection(
                Box(*(float(edge) for edge in boxes[index])),
                landmarks[index],
                float(face[keep[index]]),
                self._session.model_id,
            )
            for index in kept
        ]


def _fit(pixels: Pixels, scale: float) -> Pixels:
    """Scale a picture, and pad right and below to whole strides.

    Padding to multiples of 32 keeps the number of different shapes, and with it of the
    anchor tables and of the runtime's memory plans, small.
    """
    height, width = pixels.shape[:2]
    if scale != 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)
        height, width = pixels.shape[:2]
    below, right = -height % STRIDES[-1], -width % STRIDES[-1]
    if below or right:
        padded = np.zeros((height + below, width + right, 3), np.uint8)
        padded[:height, :width] = pixels
        pixels = padded
    return pixels


@lru_cache(maxsize=64)
def _anchors(height: int, width: int) -> Floats:
    """Middle and side of every anchor, in the network's order: (A, 4) float32 `x y side side`."""
    levels = []
    for stride, sizes in zip(STRIDES, ANCHOR_PX, strict=True):
        rows, columns = math.ceil(height / stride), math.ceil(width / stride)
        y, x, side = np.meshgrid(
            (np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, sizes, indexing="ij"
        )
        levels.append(np.stack((x, y, side, side), axis=-1).reshape(-1, 4))
    anchors = np.concatenate(levels).astype(np.float32)
    anchors.setflags(write=False)  # shared between threads
    return anchors


def _boxes(offsets: Floats, anchors: Floats) -> Floats:
    """Offsets to boxes: (K, 4), (K, 4) -> (K, 4) `xyxy` in pixels of the network's input."""
    center = anchors[:, :2] + offsets[:, :2] * CENTER_VARIANCE * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(np.minimum(offsets[:, 2:] * SIZE_VARIANCE, MAX_LOG_GROWTH)) / 2
    return np.concatenate((center - half, center + half), axis=1)


def _landmarks(offsets: Floats, anchors: Floats) -> Floats:
    """Offsets to points: (K, 10), (K, 4) -> (K, 5, 2) in pixels of the network's input."""
    points = offsets.reshape(-1, 5, 2)
    return anchors[:, None, :2] + points * CENTER_VARIANCE * anchors[:, None, 2:]
