import math

import numpy as np
import pytest

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Floats, Frame
from facekey.vision.align import FIVE_POINTS
from facekey.vision.landmarks.facemesh import BOX_SCALE, FaceMeshLandmarker
from tests.unit.vision.faces import constant_network, detection_at


def landmarker(points: Floats, logit: float = 3.0) -> FaceMeshLandmarker:
    session = constant_network(
        ("N", 192, 192, 3),
        {
            "points": (("N", 1404), points.reshape(1, 1404)),
            "presence": (("N", 1), np.array([[logit]], np.float32)),
        },
    )
    return FaceMeshLandmarker(session)


def crop_points() -> Floats:
    """All points in the middle of the crop, but one 48 px to its right and 24 px deeper."""
    points: Floats = np.full((468, 3), 96, np.float32)
    points[:, 2] = 0
    points[7] = (144, 96, 24)
    return points


@pytest.mark.parametrize("angle_deg", [0, 90, -30])
def test_points_are_brought_back_to_the_frame(angle_deg: float) -> None:
    angle = math.radians(angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    lying = (FIVE_POINTS - 56) @ np.array([[cos, sin], [-sin, cos]]) + 150
    face = detection_at(100, 80, 60, landmarks=lying.astype(np.float32))
    mesh = landmarker(crop_points()).mesh(Frame(np.zeros((300, 300, 3), np.uint8)), face)
    center = np.array([130, 120])
    frame_px = BOX_SCALE * 80 / 192  # of one crop pixel
    np.testing.assert_allclose(mesh.points[0], (*center, 0), atol=1e-3)
    expected = center + 48 * frame_px * np.array([cos, sin])
    np.testing.assert_allclose(mesh.points[7], (*expected, 24 * frame_px), atol=1e-2)


@pytest.mark.parametrize(("logit", "presence"), [(0.0, 0.5), (3.0, 0.952574), (-2000.0, 0.0), (2000.0, 1.0)])
def test_presence_is_a_probability(logit: float, presence: float) -> None:
    mesh = landmarker(crop_points(), logit).mesh(Frame(np.zeros((99, 99, 3), np.uint8)), detection_at(9, 9))
    assert mesh.presence == pytest.approx(presence, abs=1e-6)


@pytest.mark.parametrize("logit", [math.nan, math.inf])
def test_an_output_that_is_not_finite_raises(logit: float) -> None:
    frame = Frame(np.zeros((99, 99, 3), np.uint8))
    with pytest.raises(ModelOutputInvalid):
        landmarker(crop_points(), logit).mesh(frame, detection_at(9, 9))
    points = crop_points()
    points[3, 1] = logit
    with pytest.raises(ModelOutputInvalid):
        landmarker(points).mesh(frame, detection_at(9, 9))
