"""Pictures as the networks of a bundle are shown them, to measure what happens inside."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facekey.core.errors import ImageRefused, SampleRejected
from facekey.core.ports.vision import Detector
from facekey.core.types import Detection, Frame, Pixels
from facekey.vision.align import context_crop
from facekey.vision.decode import decode
from facekey.vision.subject import SubjectPolicy, choose_subject

LIVENESS_PX = 128
WHOLE_STRIDES = 32  # the detector's; what isn't whole is filled up in black, as it does


@dataclass(frozen=True, slots=True)
class Shown:
    """What the networks see of a set of pictures.

    Attributes:
        pictures: whole, at the size of the detector's first look.
        crops: context crops, for liveness.
    """

    pictures: tuple[Pixels, ...]
    crops: tuple[Pixels, ...]

    def for_network(self, name: str) -> tuple[Pixels, ...]:
        """What this network of a bundle sees."""
        return self.pictures if name == "retinaface" else self.crops


def shown_to_networks(images: Sequence[bytes], detector: Detector, *, first_look_px: int) -> Shown:
    """Find the faces and cut the crops; pictures without a face, or that can't be read, are left out."""
    frames, crops = [], []
    for image in images:
        try:
            frame = decode(image)
            face = _subject(detector.detect(frame), frame)
        except (ImageRefused, SampleRejected):
            continue
        frames.append(_at_first_look(frame.pixels, first_look_px))
        crops.append(context_crop(frame, face, crop_px=LIVENESS_PX).pixels)
    return Shown(tuple(frames), tuple(crops))


def _subject(faces: Sequence[Detection], frame: Frame) -> Detection:
    return choose_subject(faces, frame.size, SubjectPolicy(dominance=1.0))


def _at_first_look(pixels: Pixels, side_px: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(side_px / max(height, width), 2.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)
    filled = ((0, -size[1] % WHOLE_STRIDES), (0, -size[0] % WHOLE_STRIDES), (0, 0))
    return np.pad(resized, filled)
