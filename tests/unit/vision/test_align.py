import math

import cv2
import numpy as np
import pytest

from facekey.core.types import Box, Detection, Floats, Frame
from facekey.vision.align import FIVE_POINTS, context_crop, identity_crop, square_pixels, upright_angle
from facekey.vision.geometry import transform
from tests.unit.vision.faces import MODEL, detection_at


def turn(points: Floats, angle_deg: float, scale: float, shift: tuple[float, float]) -> Floats:
    angle = math.radians(angle_deg)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    moved: Floats = (points @ np.array([[cos, sin], [-sin, cos]]) + shift).astype(np.float32)
    return moved


def dotted(points: Floats, side: int = 600) -> Frame:
    """Five discs of five colours on grey."""
    picture = np.full((side, side, 3), 90, np.uint8)
    for index, (x, y) in enumerate(points):
        color = (250, 50 * index, 250 - 50 * index)
        cv2.circle(picture, (round(float(x)), round(float(y))), 8, color, -1)
    return Frame(picture)


@pytest.mark.parametrize("crop_px", [112, 160, 224])
@pytest.mark.parametrize("angle_deg", [0, 35, 90, 180, -90])
def test_identity_crop_brings_the_points_to_the_template(angle_deg: float, crop_px: int) -> None:
    points = turn(FIVE_POINTS, angle_deg, 2.2, (300, 300))
    crop = identity_crop(dotted(points), detection_at(0, 0, landmarks=points), crop_px=crop_px)
    assert crop.pixels.shape == (crop_px, crop_px, 3)
    assert crop.layout == "identity"
    for index, (x, y) in enumerate(FIVE_POINTS * (crop_px / 112)):
        seen = crop.pixels[int(y), int(x)].astype(int)
        assert np.abs(seen - (250, 50 * index, 250 - 50 * index)).max() < 25


def test_to_crop_is_the_way_from_frame_to_crop() -> None:
    points = turn(FIVE_POINTS, 20, 3, (100, 50))
    crop = identity_crop(dotted(points), detection_at(0, 0, landmarks=points), crop_px=112)
    np.testing.assert_allclose(transform(points, crop.to_crop), FIVE_POINTS, atol=0.02)


def test_context_crop_is_upright_and_centred_on_the_box() -> None:
    points = turn(FIVE_POINTS, 90, 1.0, (300, 300))
    face = Detection(Box(180, 280, 300, 420), points, 1.0, MODEL)
    picture = np.zeros((600, 600, 3), np.uint8)
    picture[:, 240:] = 255  # right of the middle; after the turn, above it
    crop = context_crop(Frame(picture), face, crop_px=64)
    assert crop.layout == "context"
    assert crop.pixels[:30].min() == 255
    assert crop.pixels[34:].max() == 0


def test_what_lies_beyond_the_frame_is_its_mirror_image() -> None:
    picture = np.full((40, 40, 3), 200, np.uint8)
    crop = context_crop(Frame(picture), detection_at(-30, -30), crop_px=64)
    assert (crop.pixels == 200).all()


def test_large_faces_are_averaged_not_sampled() -> None:
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than any crop can show: an honest crop is grey
    crop = identity_crop(Frame(stripes), detection_at(200, 200, 700), crop_px=112)
    assert np.abs(crop.pixels.astype(int) - 127).max() < 20


def test_averaging_does_not_move_the_face() -> None:
    small = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8), (0, 0), 4
    )
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    face, larger = detection_at(50, 50, 80), detection_at(200, 200, 320)
    first = identity_crop(Frame(small.astype(np.uint8)), face, crop_px=112).pixels
    second = identity_crop(Frame(large.astype(np.uint8)), larger, crop_px=112).pixels
    assert np.abs(first.astype(int) - second).mean() < 2


def test_a_square_outside_of_the_frame_is_still_a_picture() -> None:
    frame = Frame(np.full((30, 30, 3), 7, np.uint8))
    far = np.array([[0.1, 0, 100], [0, 0.1, 100]], np.float32)
    assert square_pixels(frame, far, 16).shape == (16, 16, 3)


@pytest.mark.parametrize("angle_deg", [0, 30, -100, 179])
def test_upright_angle(angle_deg: float) -> None:
    angle = math.degrees(upright_angle(turn(FIVE_POINTS, angle_deg, 3, (5, 6))))
    assert angle == pytest.approx(angle_deg, abs=0.01)
