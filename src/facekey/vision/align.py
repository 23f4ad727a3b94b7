"""Crops: the only place that makes one.

`identity` and `chip` are the five-point crops that recognition networks were trained on.
`context` is the square that the liveness network looks at.
"""

import math
from collections.abc import Mapping

import cv2
import numpy as np

from facekey.core.types import Crop, Detection, Floats, Frame, IdentityLayout, Pixels
from facekey.vision.geometry import invert, scale_of, similarity, square_crop, transform

TEMPLATE_PX = 112
FIVE_POINTS: Floats = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)
"""Where ArcFace (Deng et al., CVPR 2019) puts eyes, nose and mouth corners in 112 px."""

CHIP_TEMPLATE_PX = 150
CHIP_POINTS: Floats = np.array(
    [[47.549, 46.599], [100.476, 46.599], [74.013, 76.563], [50.415, 103.023], [97.610, 103.023]],
    np.float32,
)
"""The same in dlib's face chip of 150 px with a rim of a quarter: the mean face of its 68-point
shape model; an eye is the mean of its six points."""

TEMPLATES: Mapping[IdentityLayout, tuple[Floats, int]] = {
    "identity": (FIVE_POINTS, TEMPLATE_PX),
    "chip": (CHIP_POINTS, CHIP_TEMPLATE_PX),
}
"""For each layout the five points, and the side of the square that they stand in."""

CONTEXT_SIDE = 1.3
"""Side of the context square in widths of the face box: the whole face and a rim of what is
around it.

The rim matters: a linear probe on published networks' features, judged leave-one-out on
nine sets, gave a mean AUC of 0.91 for a side of 0.85, 0.93 for 1.0 and 0.96 for 1.3. Many
public pictures are cut closer than that, so that training sees mirrored rims; there it
also moves and scales the square, and shows real surroundings.
"""

ALIASING_LIMIT = 1.5  # below, bilinear sampling still sees every pixel of the frame


def identity_crop(
    frame: Frame, detection: Detection, *, crop_px: int, layout: IdentityLayout = "identity"
) -> Crop:
    """The face with its five points brought nearest to a layout's template.

    The crop is square, `crop_px` a side; the template is scaled with it.

    Raises:
        ValueError: all five landmarks are one point.
    """
    points, side = TEMPLATES[layout]
    matrix = similarity(detection.landmarks, points * (crop_px / side))
    return Crop(square_pixels(frame, matrix, crop_px), layout, matrix)


def context_crop(frame: Frame, detection: Detection, *, crop_px: int) -> Crop:
    """The middle of the face box, upright by the five points, for liveness: `crop_px` a side."""
    box, points = detection.box, detection.landmarks
    center = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2], np.float32)
    side = max(1.0, CONTEXT_SIDE * min(box.width, box.height))
    matrix = square_crop(center, side, angle_rad=upright_angle(points), crop_px=crop_px)
    return Crop(square_pixels(frame, matrix, crop_px), "context", matrix)


def upright_angle(landmarks: Floats) -> float:
    """How far the face is turned clockwise in the picture, in radians.

    The turn that brings the five points nearest to the upright template. Eyes alone would
    do for a frontal face; in a profile they fall together and their line means nothing.

    Args:
        landmarks: (5, 2).
    """
    matrix = similarity(FIVE_POINTS, landmarks)
    return math.atan2(float(matrix[1, 0]), float(matrix[0, 0]))


def square_pixels(frame: Frame, to_crop: Floats, crop_px: int) -> Pixels:
    """Sample a square out of the frame: (S, S, 3) uint8 RGB.

    What lies beyond the frame is its mirror image. A part of the frame that is much larger
    than the square is averaged down, not just sampled.

    Args:
        frame: where to look.
        to_crop: (2, 3), the similarity from frame to square.
        crop_px: side of the square.
    """
    step = 1.0 / scale_of(to_crop)
    if step > ALIASING_LIMIT:
        pixels, to_crop = _shrunk(frame, to_crop, crop_px, step)
    else:
        pixels = frame.pixels
    return _warp(pixels, to_crop, crop_px)


def _shrunk(frame: Frame, to_crop: Floats, crop_px: int, step: float) -> tuple[Pixels, Floats]:
    """Average the part of the frame that a square needs down to about the square's scale.

    Returns:
        The small part, and the similarity from it to the square.
    """
    height, width = frame.size
    corners = np.array([[0, 0], [crop_px, 0], [0, crop_px], [crop_px, crop_px]], np.float32)
    reach = transform(corners, invert(to_crop))  # (4, 2)
    low = np.clip(np.floor(reach.min(axis=0) - 2 * step), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(reach.max(axis=0) + 2 * step), low + 1, (width, height)).astype(int)
    part = frame.pixels[low[1] : high[1], low[0] : high[0]]
    size = np.maximum(1, np.round((high - low) / step)).astype(int)  # (2,) width, height
    small = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    turn = to_crop[:, :2]
    matrix = np.column_stack((turn * ((high - low) / size), turn @ low + to_crop[:, 2]))
    return small.astype(np.uint8, copy=False), matrix.astype(np.float32)


def _warp(pixels: Pixels, matrix: Floats, side_px: int) -> Pixels:
    # OpenCV counts from the middle of a pixel, our points from its corner.
    centered = matrix.astype(np.float64)
    centered[:, 2] += centered[:, :2] @ (0.5, 0.5) - 0.5
    warped = cv2.warpAffine(
        pixels, centered, (side_px, side_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return warped.astype(np.uint8, copy=False)
