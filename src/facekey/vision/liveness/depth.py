"""Depth from one picture: MiDaS v2.1 small, and how far a face is from being flat.

Paper:    Ranftl et al., "Towards Robust Monocular Depth Estimation", TPAMI 2022,
          https://arxiv.org/abs/1907.01341
Input:    (N, 256, 256, 3) uint8 RGB: the published network takes (1, 3, 256, 256) of 0..1, and
          conversion puts the scaling into the graph, as for every network with a card
Output:   (N, 256, 256) relative inverse depth, larger is nearer
Weights:  named, hashed and licensed in models/midas_small.toml

Depth guessed from one picture is weak evidence: a network that has learnt what faces look
like draws a nose on a photo of a face as well. It shows most on paper and screens whose
edges are in view. The map is for operators; see `vision.liveness.parallax` for depth that
can't be guessed.
"""

from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Detection, FaceMesh, Floats, Frame, ModelId, Pixels
from facekey.vision.align import square_pixels, upright_angle
from facekey.vision.geometry import square_crop, transform
from facekey.zoo.onnx import OnnxSession

CROP_PX = 256
BOX_SCALE = 1.5  # sides of the face box: the network needs to see what the face stands out from
MESH_MODEL = ModelId("facemesh-depth:1")
MIN_RELIEF = 1e-6  # a map that is all one value has no scale


@dataclass(frozen=True, slots=True)
class DepthMap:
    """How near each place of a face crop is.

    Attributes:
        nearness: (S, S) float32, 0 for the farthest and 1 for the nearest place; NaN where
            nothing is known.
        face: (S, S) bool, which places belong to the face.
        relief: how far the face is from a plane; see `relief_of`.
        crop: (S, S, 3) uint8 RGB, the same square of the picture.
        model: who says so.
    """

    nearness: Floats = field(repr=False)
    face: NDArray[np.bool_] = field(repr=False)
    relief: float
    crop: Pixels = field(repr=False)
    model: ModelId


class DepthReader(Protocol):
    """Sees depth in one picture."""

    def depth(self, frame: Frame, detection: Detection, mesh: FaceMesh) -> DepthMap:
        """The depth of this one face."""
        ...


class MidasDepth:
    """Implements `DepthReader` with MiDaS. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession) -> None:
        """Wrap a loaded network.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(CROP_PX, CROP_PX)])
        self._session = session

    def depth(self, frame: Frame, detection: Detection, mesh: FaceMesh) -> DepthMap:
        """The depth of this one face.

        Raises:
            ModelOutputInvalid: a number is not finite.
        """
        to_crop = _region(detection)
        crop = square_pixels(frame, to_crop, CROP_PX)
        (inverse,) = self._session.run(np.ascontiguousarray(crop[None]))  # (1, 256, 256)
        if not np.isfinite(inverse).all():
            raise ModelOutputInvalid(self._session.model_id, "depth not finite")
        face = _outline(mesh, to_crop)
        return _mapped(inverse[0], face, crop, self._session.model_id)


class MeshDepth:
    """Implements `DepthReader` with the z of the face mesh, where MiDaS is not installed.

    Weaker still: the mesh was fitted to a model of heads and gives any picture of a face a
    head's depth. It shows an operator what the mesh believes, and tells no photo from a person.
    """

    def depth(self, frame: Frame, detection: Detection, mesh: FaceMesh) -> DepthMap:
        """The depth of this one face, between the mesh's points by their distance."""
        to_crop = _region(detection)
        crop = square_pixels(frame, to_crop, CROP_PX)
        points = transform(mesh.points[:, :2], to_crop)  # (468, 2)
        step = 4
        axis = np.arange(step / 2, CROP_PX, step)
        x, y = np.meshgrid(axis, axis)
        away = np.square(np.stack([x.ravel(), y.ravel()], -1)[:, None] - points[None]).sum(axis=2)
        weight = 1.0 / np.square(away + 1.0)
        coarse = -(weight @ mesh.points[:, 2]) / weight.sum(axis=1)  # z grows away from the camera
        shape = (len(axis), len(axis))
        near = cv2.resize(coarse.reshape(shape).astype(np.float32), (CROP_PX, CROP_PX))
        face = _outline(mesh, to_crop)
        known = np.where(face, near, np.nan).astype(np.float32)
        return _mapped(known, face, crop, MESH_MODEL)


def relief_of(nearness: Floats, face: NDArray[np.bool_]) -> float:
    """How far a face is from a plane: the deviation from the plane that fits it best.

    The variance over the face after that plane is taken off, as a standard deviation, over the
    spread of the whole map. A tilted sheet has none, however steep it stands.

    Args:
        nearness: (S, S), any scale; NaN where nothing is known.
        face: (S, S).

    Returns:
        0 for a plane; about 0.1 to 0.3 for a face that the whole map is scaled to.
    """
    rows, columns = np.nonzero(face & np.isfinite(nearness))
    known = nearness[np.isfinite(nearness)]
    if len(rows) < 3 or not np.ptp(known) > MIN_RELIEF:
        return 0.0
    values = nearness[rows, columns].astype(np.float64)
    plane = np.column_stack([rows, columns, np.ones(len(rows))]).astype(np.float64)
    plane[:, :2] -= plane[:, :2].mean(axis=0)
    found, *_ = np.linalg.lstsq(plane, values, rcond=None)
    return float(np.std(values - plane @ found) / np.ptp(known))


def _mapped(raw: Floats, face: NDArray[np.bool_], crop: Pixels, model: ModelId) -> DepthMap:
    known = raw[np.isfinite(raw)]
    low, spread = (float(known.min()), float(np.ptp(known))) if known.size else (0.0, 0.0)
    nearness: Floats = ((raw - low) / max(spread, MIN_RELIEF)).astype(np.float32)
    return DepthMap(nearness, face, relief_of(raw, face), crop, model)


def _region(detection: Detection) -> Floats:
    """The square around the face, upright: frame to crop, (2, 3)."""
    box = detection.box
    center = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2], np.float32)
    side = max(1.0, BOX_SCALE * max(box.width, box.height))
    return square_crop(center, side, angle_rad=upright_angle(detection.landmarks), crop_px=CROP_PX)


def _outline(mesh: FaceMesh, to_crop: Floats) -> NDArray[np.bool_]:
    """Which places of the crop the mesh covers: (S, S)."""
    points = transform(mesh.points[:, :2], to_crop).astype(np.float32)
    mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points).astype(np.int32), 1)
    return mask.astype(bool)
