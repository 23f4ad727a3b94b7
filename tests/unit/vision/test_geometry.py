import math

import cv2
import numpy as np
import pytest

from facekey.core.types import Floats
from facekey.vision import geometry
from facekey.vision.align import FIVE_POINTS

BOXES: Floats = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [2, 2, 4, 4], [20, 20, 20, 30]], np.float32)


def turned(points: Floats, *, scale: float, angle: float, shift: tuple[float, float]) -> Floats:
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    moved: Floats = (points @ np.array([[cos, sin], [-sin, cos]]) + shift).astype(np.float32)
    return moved


def test_overlap_is_intersection_over_union() -> None:
    table = geometry.overlap(BOXES, BOXES)
    np.testing.assert_allclose(table[0], [1, 50 / 150, 4 / 100, 0], rtol=1e-6)
    np.testing.assert_allclose(table, table.T)


def test_overlap_by_the_smaller_box() -> None:
    assert geometry.overlap(BOXES[:1], BOXES[2:3], by_smaller=True)[0, 0] == 1.0


def test_suppression_keeps_the_best_of_each_group() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 100, (200, 2))
    boxes = np.concatenate((corners, corners + rng.uniform(5, 40, (200, 2))), axis=1).astype(np.float32)
    scores = rng.uniform(0, 1, 200).astype(np.float32)
    kept = geometry.suppress(boxes, scores, limit=0.4)
    table = geometry.overlap(boxes, boxes)
    assert list(kept) == sorted(kept, key=lambda index: -scores[index])
    among = table[np.ix_(kept, kept)]
    assert (among[~np.eye(len(kept), dtype=bool)] <= 0.4).all()
    for index in set(range(200)) - set(kept):  # whatever fell away lost to something kept
        rivals = [other for other in kept if table[index, other] > 0.4]
        assert any(scores[other] >= scores[index] for other in rivals)


def test_suppression_of_nothing() -> None:
    assert len(geometry.suppress(np.empty((0, 4), np.float32), np.empty(0, np.float32), limit=0.5)) == 0


@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi / 2, math.pi, -2.5])
def test_similarity_is_found_again(angle: float) -> None:
    target = turned(FIVE_POINTS, scale=2.5, angle=angle, shift=(30, -7))
    matrix = geometry.similarity(FIVE_POINTS, target)
    np.testing.assert_allclose(geometry.transform(FIVE_POINTS, matrix), target, atol=1e-3)
    np.testing.assert_allclose(geometry.transform(target, geometry.invert(matrix)), FIVE_POINTS, atol=1e-3)
    assert geometry.scale_of(matrix) == pytest.approx(2.5, rel=1e-5)


def test_similarity_of_noisy_points_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(3)
    target = (turned(FIVE_POINTS, scale=0.8, angle=0.3, shift=(5, 5)) + rng.normal(0, 2, (5, 2))).astype(
        np.float32
    )
    matrix = geometry.similarity(FIVE_POINTS, target)
    rows = [[[x, -y, 1, 0], [y, x, 0, 1]] for x, y in FIVE_POINTS]
    solution = np.linalg.lstsq(np.array(rows).reshape(-1, 4), target.reshape(-1), rcond=None)[0]
    a, b, tx, ty = solution
    np.testing.assert_allclose(matrix, [[a, -b, tx], [b, a, ty]], rtol=1e-3, atol=1e-3)


def test_similarity_never_mirrors() -> None:
    mirrored = FIVE_POINTS * np.array([-1, 1], np.float32)
    assert np.linalg.det(geometry.similarity(FIVE_POINTS, mirrored)[:, :2]) > 0


@pytest.mark.parametrize("bad", [np.ones((5, 2), np.float32), np.full((5, 2), np.nan, np.float32)])
def test_similarity_refuses_points_without_extent(bad: Floats) -> None:
    with pytest.raises(ValueError, match="two different points"):
        geometry.similarity(bad, FIVE_POINTS)


def test_square_crop_maps_the_turned_square_onto_the_crop() -> None:
    matrix = geometry.square_crop(np.array([50, 60], np.float32), 20, angle_rad=math.pi / 2, crop_px=100)
    # Turned clockwise by a quarter, the square's upper left corner lies at the upper right.
    corner = geometry.transform(np.array([[60, 50], [50, 60]], np.float32), matrix)
    np.testing.assert_allclose(corner, [[0, 0], [50, 50]], atol=1e-3)


def test_matrix_means_what_opencv_means() -> None:
    matrix = geometry.square_crop(np.array([4, 4], np.float32), 4, angle_rad=0, crop_px=8)
    picture = np.zeros((8, 8), np.uint8)
    picture[2:6, 2:6] = 255
    assert cv2.warpAffine(picture, matrix.astype(np.float64), (8, 8))[1:7, 1:7].min() == 255


def face(points: Floats) -> tuple[Floats, Floats]:
    low, high = FIVE_POINTS.min(axis=0), FIVE_POINTS.max(axis=0)
    margin = (high - low) * 0.5
    return np.concatenate((low - margin, high + margin))[None].astype(np.float32), points[None]


def test_a_face_is_plausible() -> None:
    assert geometry.plausible_face(*face(FIVE_POINTS)).tolist() == [True]


@pytest.mark.parametrize(
    "points",
    [
        FIVE_POINTS[[1, 0, 2, 4, 3]],  # left and right swapped
        FIVE_POINTS * 0 + 60,  # all in one point
        FIVE_POINTS + 80,  # beside the box
        np.where(np.arange(5)[:, None] == 2, FIVE_POINTS - (0, 40), FIVE_POINTS),  # nose on the forehead
        np.full((5, 2), np.nan),
    ],
)
def test_absurd_points_are_not(points: Floats) -> None:
    assert geometry.plausible_face(*face(points.astype(np.float32))).tolist() == [False]


def test_an_empty_box_is_no_face() -> None:
    box = np.array([[50, 50, 50, 90]], np.float32)
    assert geometry.plausible_face(box, FIVE_POINTS[None]).tolist() == [False]
