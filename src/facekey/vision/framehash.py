"""Frame hash: what a frame looks like, in 2 x 1,024 bits that other encodings hardly change.

Each half holds the signs of the 32 x 32 lowest frequencies (DCT) of a picture in grey: of
the whole frame, and of a window around the face. The window is needed because before a
wall all frames of a camera are nearly alike; its place is rounded, so that it doesn't move
with the last pixel of the face's box.
"""

import cv2
import numpy as np

from facekey.core.types import Box, Floats, Frame, FrameHash

SIDE_PX = 64
FREQUENCIES = 32
WINDOW = 2.0  # side of the window in longer sides of the face box
STEPS = 16  # the window moves and grows in this part of the frame's longer side


def hash_frame(frame: Frame, face: Box) -> FrameHash:
    """Hash one frame.

    Args:
        frame: the picture.
        face: of the subject, in frame pixels.
    """
    grey = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)  # (H, W)
    return FrameHash(whole=_signs(grey), face=_signs(_window(grey, face)))


def _window(
    grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], face: Box
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    height, width = grey.shape
    step = max(height, width) / STEPS
    side = max(2, round(WINDOW * max(face.width, face.height) / step))
    left = round((face.x1 + face.x2) / 2 / step - side / 2)
    top = round((face.y1 + face.y2) / 2 / step - side / 2)
    x1, y1 = (min(max(0, round(place * step)), limit - 2) for place, limit in ((left, width), (top, height)))
    x2, y2 = (round((place + side) * step) for place in (left, top))
    return grey[y1 : max(y1 + 2, y2), x1 : max(x1 + 2, x2)]


def _signs(grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    small: Floats = cv2.resize(grey, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[:FREQUENCIES, :FREQUENCIES]  # (32, 32)
    return np.packbits(waves > 0).tobytes()
