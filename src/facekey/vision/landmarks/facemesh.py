"""Face mesh: 468 points on the face, with depth, from one upright crop.

Paper:    Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on
          Mobile GPUs", 2019, https://arxiv.org/abs/1907.06724
Input:    (N, 192, 192, 3) uint8 RGB
Output:   (N, 1404) x, y, z of each point in pixels of the crop, z growing away from the
          camera; (N, 1) logit that there is a face
Weights:  named, hashed and licensed in models/facemesh.toml
"""

import math

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Detection, FaceMesh, Floats, Frame
from facekey.vision.align import square_pixels, upright_angle
from facekey.vision.geometry import invert, scale_of, square_crop, transform
from facekey.zoo.onnx import OnnxSession

CROP_PX = 192
POINTS = 468
BOX_SCALE = 1.25  # in RetinaFace boxes: where the mesh agrees best with the five points


class FaceMeshLandmarker:
    """Implements `core.ports.vision.Landmarker`. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession) -> None:
        """Wrap a loaded network.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(3 * POINTS,), (1,)])
        self._session = session

    def mesh(self, frame: Frame, detection: Detection) -> FaceMesh:
        """The mesh of this one face.

        Raises:
            ModelOutputInvalid: a number is not finite.
        """
        to_crop = _region(detection)
        crop = square_pixels(frame, to_crop, CROP_PX)
        coordinates, logits = self._session.run(crop[None])  # (1, 1404), (1, 1)
        logit = float(logits[0, 0])
        if not (np.isfinite(coordinates).all() and math.isfinite(logit)):
            raise ModelOutputInvalid(self._session.model_id, "an output is not finite")

        points = coordinates.reshape(POINTS, 3)
        points = np.column_stack(
            (transform(points[:, :2], invert(to_crop)), points[:, 2] / scale_of(to_crop))
        ).astype(np.float32)  # (468, 3)
        # tanh is the logistic function that can't overflow.
        return FaceMesh(points, presence=0.5 * (1 + math.tanh(logit / 2)))


def _region(detection: Detection) -> Floats:
    """The square around the face that the network expects, upright: frame to crop, (2, 3)."""
    box = detection.box
    center = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2], np.float32)
    side = max(1.0, BOX_SCALE * max(box.width, box.height))
    return square_crop(center, side, angle_rad=upright_angle(detection.landmarks), crop_px=CROP_PX)
