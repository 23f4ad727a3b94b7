"""Eyelids: how far each eye is open, from a network that looks at the eye alone.

The face mesh hardly sees an eye shut: over the 15 people of the Yale faces its opening of
"sleepy" faces is 0.92 to 1.02 of that of the same face awake; here it is 0.25 to 0.75.

Paper:    Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital
          Puppetry", 2020, https://arxiv.org/abs/2006.11341
Input:    (N, 64, 64, 3) uint8 RGB, a left eye; right eyes are shown mirrored
Output:   (N, 213) x, y, z of 71 points in pixels of the crop, the first 16 around the eye
          from its outer corner, lower lid first; (N, 15) the iris, not used
Weights:  named, hashed and licensed in models/iris.toml
"""

import math

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import FaceMesh, Floats, Frame, Lids, Pixels
from facekey.vision.align import square_pixels
from facekey.vision.geometry import square_crop
from facekey.zoo.onnx import OnnxSession

CROP_PX = 64
CONTOUR = 71
EYE_SCALE = 2.3  # side of the crop in widths of the eye, as the network was trained

RIGHT_CORNERS, LEFT_CORNERS = (33, 133), (362, 263)  # mesh points, from left to right in the picture
LOWER_LID, UPPER_LID = slice(1, 8), slice(9, 16)
OUTER, INNER = 0, 8
MIN_WIDTH_PX = 1e-3  # a contour that has collapsed to a point must not divide by zero


class EyelidReader:
    """Implements `core.ports.vision.EyeReader`. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession) -> None:
        """Wrap a loaded network.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(3 * CONTOUR,), (15,)])
        self._session = session

    def lids(self, frame: Frame, mesh: FaceMesh) -> Lids:
        """How far the eyes of this face are open.

        Raises:
            ModelOutputInvalid: a number is not finite.
        """
        right, left = (_eye(frame, mesh, corners) for corners in (RIGHT_CORNERS, LEFT_CORNERS))
        crops = np.stack((right[:, ::-1], left))  # (2, 64, 64, 3)
        contours, _ = self._session.run(np.ascontiguousarray(crops))  # (2, 213)
        if not np.isfinite(contours).all():
            raise ModelOutputInvalid(self._session.model_id, "an output is not finite")
        points = contours.reshape(2, CONTOUR, 3)
        return Lids(right=_opening(points[0]), left=_opening(points[1]))


def _eye(frame: Frame, mesh: FaceMesh, corners: tuple[int, int]) -> Pixels:
    """The square around one eye, upright: (64, 64, 3)."""
    first, second = mesh.points[corners[0], :2], mesh.points[corners[1], :2]
    across = second - first
    side = max(1.0, EYE_SCALE * float(np.linalg.norm(across)))
    angle_rad = math.atan2(float(across[1]), float(across[0]))
    center: Floats = ((first + second) / 2).astype(np.float32)
    to_crop = square_crop(center, side, angle_rad=angle_rad, crop_px=CROP_PX)
    return square_pixels(frame, to_crop, CROP_PX)


def _opening(points: Floats) -> float:
    """Mean distance between the lids over the width of the eye: (71, 3) to one number."""
    heights = np.linalg.norm(points[UPPER_LID, :2] - points[LOWER_LID, :2], axis=1)  # (7,)
    width = float(np.linalg.norm(points[OUTER, :2] - points[INNER, :2]))
    return float(heights.mean()) / max(width, MIN_WIDTH_PX)
