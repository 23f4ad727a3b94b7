import cv2
import numpy as np
import pytest

from facekey.core.errors import ModelOutputInvalid
from facekey.core.recurrence import FACE_BITS, WHOLE_BITS, bits_apart, words
from facekey.core.types import Box, FaceMesh, Frame, FrameHash
from facekey.vision.framehash import hash_frame
from facekey.vision.landmarks.eyelids import CONTOUR, CROP_PX, EyelidReader
from tests.unit.vision.faces import constant_network

FACE = Box(250, 120, 400, 320)


def scene(seed: int, height: int = 480, width: int = 640) -> np.ndarray:
    """A picture with detail of all sizes."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.uniform(0, 255, (size, size, 3)).astype(np.float32), (width, height))
        for size in (4, 9, 20, 45)
    ]
    return np.asarray(np.mean(layers, axis=0)).astype(np.uint8)


def apart(one: FrameHash, other: FrameHash) -> tuple[int, int]:
    left, right = words(one), words(other)
    return tuple(int(bits_apart(left[half][None], right[half])[0]) for half in (0, 1))  # type: ignore[return-value]


@pytest.mark.parametrize(("quality", "scale"), [(90, 1.0), (60, 1.0), (80, 0.75)])
def test_another_encoding_hardly_changes_the_hash(quality: int, scale: float) -> None:
    picture = scene(1)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    again = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert again is not None
    box = Box(*(side * scale for side in (FACE.x1, FACE.y1, FACE.x2, FACE.y2)))
    whole, face = apart(hash_frame(Frame(picture), FACE), hash_frame(Frame(again.astype(np.uint8)), box))
    assert whole <= WHOLE_BITS
    assert face <= FACE_BITS


def test_a_change_of_the_face_alone_is_seen_in_its_window() -> None:
    picture, other = scene(1), scene(1)
    other[160:300, 280:370] = scene(2)[160:300, 280:370]
    whole, face = apart(hash_frame(Frame(picture), FACE), hash_frame(Frame(other), FACE))
    assert face > 4 * FACE_BITS
    assert face > whole


def test_another_picture_is_far_away() -> None:
    whole, face = apart(hash_frame(Frame(scene(1)), FACE), hash_frame(Frame(scene(2)), FACE))
    assert min(whole, face) > 300


@pytest.mark.parametrize(
    "box",
    [
        Box(-500, -500, -400, -400),
        Box(5000, 5000, 5001, 5001),
        Box(0, 0, 0, 0),
        Box(-100, -100, 2000, 2000),
    ],
)
@pytest.mark.parametrize("size", [(480, 640), (2, 2), (30, 1000)])
def test_a_face_at_any_place_gives_a_hash(box: Box, size: tuple[int, int]) -> None:
    taken = hash_frame(Frame(scene(3, *size)), box)
    assert (len(taken.whole), len(taken.face)) == (128, 128)


class TestEyelids:
    MESH = FaceMesh(np.random.default_rng(0).uniform(100, 300, (468, 3)).astype(np.float32), 1.0)

    def reader(self, contour: np.ndarray) -> EyelidReader:
        return EyelidReader(
            constant_network(
                ("N", CROP_PX, CROP_PX, 3),
                {
                    "contour": (("N", 3 * CONTOUR), contour),
                    "iris": (("N", 15), np.zeros((2, 15), np.float32)),
                },
            )
        )

    def test_the_opening_is_the_height_over_the_width(self) -> None:
        points = np.zeros((2, CONTOUR, 3), np.float32)
        points[:, 0, 0], points[:, 8, 0] = 10, 50
        points[:, 1:8, 0] = points[:, 9:16, 0] = np.linspace(15, 45, 7)
        points[0, 1:8, 1], points[1, 1:8, 1] = 10, 4
        lids = self.reader(points.reshape(2, -1)).lids(Frame(scene(1)), self.MESH)
        assert lids.right == pytest.approx(0.25)
        assert lids.left == pytest.approx(0.1)
        assert lids.both == pytest.approx(0.175)

    def test_what_is_not_finite_is_refused(self) -> None:
        with pytest.raises(ModelOutputInvalid):
            self.reader(np.full((2, 3 * CONTOUR), np.nan, np.float32)).lids(Frame(scene(1)), self.MESH)
