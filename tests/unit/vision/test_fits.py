import numpy as np
import pytest
from numpy.typing import NDArray

from facekey.vision.liveness.fits import after_affine, after_homography, after_similarity, sizes
from tests.unit.vision.moving import head


def turn(angle_rad: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


@pytest.fixture
def face() -> NDArray[np.float64]:
    return head().astype(np.float64)


def test_a_rigid_head_leaves_nothing_over_in_space(face: NDArray[np.float64]) -> None:
    moved = 1.3 * face @ turn(0.4).T + (5.0, -3.0, 2.0)
    assert after_similarity(face[None], moved[None])[0] == pytest.approx(0.0, abs=1e-9)
    # In the plane the same turn is no affine motion and no sheet's.
    assert after_affine(face[None, :, :2], moved[None, :, :2])[0] > 0.02
    assert after_homography(face[None, :, :2], moved[None, :, :2])[0] > 0.02


def test_a_sheet_leaves_nothing_over_for_a_homography_alone(face: NDArray[np.float64]) -> None:
    flat = face[:, :2] - face[:, :2].mean(axis=0)
    moved = flat / (1 + flat[:, :1] / 300)
    assert after_homography(flat[None], moved[None])[0] == pytest.approx(0.0, abs=1e-6)
    assert after_affine(flat[None], moved[None])[0] > 0.02


def test_a_mirror_image_is_no_turned_head(face: NDArray[np.float64]) -> None:
    assert after_similarity(face[None], face[None] * (-1, 1, 1))[0] > 0.1


def test_mimic_is_what_a_rigid_fit_leaves_over(face: NDArray[np.float64]) -> None:
    opened = face.copy()
    opened[face[:, 1] > 90, 1] += 6.0
    left = after_similarity(np.stack([face, face]), np.stack([face, opened]))
    assert left[0] == pytest.approx(0.0, abs=1e-9)
    assert left[1] > 0.02


def test_residuals_are_in_sizes_of_the_face(face: NDArray[np.float64]) -> None:
    noisy = face + np.random.default_rng(1).normal(0, 0.5, face.shape)
    near = after_affine(face[None, :, :2], noisy[None, :, :2])
    far = after_affine(face[None, :, :2] / 7, noisy[None, :, :2] / 7)
    assert near[0] == pytest.approx(far[0], rel=1e-6)


def test_a_face_in_one_point_gives_finite_numbers() -> None:
    point = np.zeros((1, 468, 3))
    assert sizes(point)[0] > 0
    for left in (after_similarity(point, point), after_affine(point[..., :2], point[..., :2])):
        assert np.isfinite(left).all()
    assert np.isfinite(after_homography(point[..., :2], point[..., :2])).all()
