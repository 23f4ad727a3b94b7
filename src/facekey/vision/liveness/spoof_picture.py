"""What is kept of a suspected spoof: a small picture of its depth, and the photo where those are kept."""

import cv2
import numpy as np

from facekey.core.errors import SampleRejected
from facekey.core.ports.vision import Detector, Landmarker
from facekey.core.spoofs import Drawn
from facekey.core.types import Frame, Pixels
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.vision.liveness.depth import DepthMap, DepthReader
from facekey.vision.subject import SubjectPolicy, choose_subject

DEPTH_PX = 96
PHOTO_PX = 1024
JPEG_QUALITY = 90


class SpoofPictures:
    """Draws them. Holds no state; safe to share between threads."""

    def __init__(
        self,
        *,
        detector: Detector,
        landmarker: Landmarker,
        depth: DepthReader,
        limits: DecodeLimits,
        photos: bool,
    ) -> None:
        """Take the networks; `photos` only where photos of registrations are kept as well."""
        self._detector = detector
        self._landmarker = landmarker
        self._depth = depth
        self._limits = limits
        self._photos = photos

    def draw(self, image: bytes) -> Drawn:
        """The depth of the face and, where photos are kept, a smaller photo without what a camera wrote in.

        Raises:
            ImageRefused: it can't be read.
            ModelOutputInvalid: a network gave something that can't be right.
        """
        frame = decode(image, self._limits)
        return Drawn(self._depth_of(frame), _jpeg(frame.pixels) if self._photos else None)

    def _depth_of(self, frame: Frame) -> bytes | None:
        try:
            face = choose_subject(self._detector.detect(frame), frame.size, SubjectPolicy())
            mesh = self._landmarker.mesh(frame, face)
        except SampleRejected:
            return None
        return grey_png(self._depth.depth(frame, face, mesh))


def grey_png(seen: DepthMap) -> bytes:
    """A PNG of 96 x 96 pixels, 8-bit grey: near is bright, and black is far or not known."""
    levels = (255 * np.clip(np.nan_to_num(seen.nearness), 0, 1)).astype(np.uint8)
    small = cv2.resize(levels, (DEPTH_PX, DEPTH_PX), interpolation=cv2.INTER_AREA)
    return _encoded(".png", small.astype(np.uint8, copy=False), ())


def _jpeg(pixels: Pixels) -> bytes:
    scale = min(1.0, PHOTO_PX / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
    return _encoded(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))


def _encoded(kind: str, pixels: Pixels, options: tuple[int, ...]) -> bytes:
    done, data = cv2.imencode(kind, pixels, options)
    if not done:
        raise ValueError(f"the picture can't be encoded as {kind}")
    return data.tobytes()
