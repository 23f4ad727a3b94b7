"""Patch: a small grey picture of the face, kept so that its texture can be followed over frames."""

import cv2
import numpy as np

from facekey.core.types import Detection, FacePatch, Frame
from facekey.vision.align import square_pixels
from facekey.vision.geometry import invert, square_crop

PATCH_PX = 128  # 16 KB; about as wide as a face before a webcam, so little detail is lost
BOX_SCALE = 1.25  # sides of the face box: forehead to chin with a little room to move


def cut_patch(frame: Frame, detection: Detection) -> FacePatch:
    """The face and a little around it, in grey, not turned upright.

    It is cut from the full picture, so points found in it are as exact as the picture allows.
    """
    box = detection.box
    center = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2], np.float32)
    side = max(1.0, BOX_SCALE * max(box.width, box.height))
    to_patch = square_crop(center, side, angle_rad=0.0, crop_px=PATCH_PX)
    grey = cv2.cvtColor(square_pixels(frame, to_patch, PATCH_PX), cv2.COLOR_RGB2GRAY)
    return FacePatch(grey.astype(np.uint8, copy=False), invert(to_patch))
