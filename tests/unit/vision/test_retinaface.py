import math
from collections.abc import Mapping

import numpy as np
import pytest

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import Detection, Floats, Frame, Pixels
from facekey.vision.align import FIVE_POINTS
from facekey.vision.detect.retinaface import RetinaFace, RetinaFaceOptions
from facekey.zoo.onnx import OnnxSession
from tests.unit.vision.faces import constant_network, detection_at

SIDE = 64
OPTIONS = RetinaFaceOptions(side_px=SIDE, large_side_px=2 * SIDE)


def anchors() -> list[tuple[float, float, float]]:
    """Middle and side of the anchors of a 64 px picture, written the slow way."""
    found = []
    for stride, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        for row in range(math.ceil(SIDE / stride)):
            for column in range(math.ceil(SIDE / stride)):
                found += [((column + 0.5) * stride, (row + 0.5) * stride, float(side)) for side in sides]
    return found


ANCHORS = anchors()
IN_BOX = (FIVE_POINTS - (56, 64)) / 100  # the template in parts of a box around its middle


def network(faces: dict[int, float], *, shift: float = 0.0, broken: bool = False) -> OnnxSession:
    """A network that sees a face exactly in each of these anchors, with this score."""
    count = len(ANCHORS)
    loc: Floats = np.zeros((1, count, 4), np.float32)
    conf = np.tile(np.array([1, 0], np.float32), (1, count, 1))
    points: Floats = np.zeros((1, count, 10), np.float32)
    for anchor, score in faces.items():
        conf[0, anchor] = (1 - score, score)
        loc[0, anchor] = (shift, 0, 0, 0)
        points[0, anchor] = (IN_BOX + np.array([shift * 0.1, 0])).reshape(-1) / 0.1
    if broken:
        loc[0, 0, 0] = np.nan
    shape = ("N", "A")
    return constant_network(
        ("N", "H", "W", 3),
        {"loc": ((*shape, 4), loc), "conf": ((*shape, 2), conf), "landmarks": ((*shape, 10), points)},
    )


def frame(height: int, width: int) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8))


@pytest.mark.parametrize("anchor", [0, 1, 17, 128 + 3, 128 + 32 + 5])
def test_anchor_becomes_box_and_points(anchor: int) -> None:
    x, y, side = ANCHORS[anchor]
    (face,) = RetinaFace(network({anchor: 0.97}), OPTIONS).detect(frame(SIDE, SIDE))
    half = side / 2
    assert (face.box.x1, face.box.y1, face.box.x2, face.box.y2) == pytest.approx(
        (x - half, y - half, x + half, y + half), abs=1e-3
    )
    np.testing.assert_allclose(face.landmarks, IN_BOX * side + (x, y), atol=1e-3)
    assert face.score == pytest.approx(0.97)


def test_offsets_are_in_parts_of_the_anchor() -> None:
    x, _, side = ANCHORS[17]
    (face,) = RetinaFace(network({17: 0.97}, shift=2.0), OPTIONS).detect(frame(SIDE, SIDE))
    assert (face.box.x1 + face.box.x2) / 2 == pytest.approx(x + 2.0 * 0.1 * side)


def test_results_are_in_frame_pixels() -> None:
    x, y, side = ANCHORS[17]
    for height, width, scale in ((64 * 4, 64 * 4, 4.0), (64, 48, 1.0), (32, 32, 0.5), (8, 32, 0.5)):
        # A small picture is doubled at most; the rest of the input is padding.
        (face,) = RetinaFace(network({17: 0.97}), OPTIONS).detect(frame(height, width))
        assert face.box.width == pytest.approx(side * scale, rel=1e-4)
        assert face.landmarks[2, 0] == pytest.approx((x + IN_BOX[2, 0] * side) * scale, rel=1e-3)
        assert face.landmarks[2, 1] == pytest.approx((y + IN_BOX[2, 1] * side) * scale, rel=1e-3)


def test_overlapping_candidates_are_one_face_and_the_best_comes_first() -> None:
    # Anchors 17 and 19 are neighbours of 32 px, 8 px apart; 101 is far from both.
    detector = RetinaFace(network({17: 0.8, 19: 0.9, 101: 0.99, 60: 0.3}), OPTIONS)
    assert [round(face.score, 2) for face in detector.detect(frame(SIDE, SIDE))] == [0.99, 0.9]


def test_nothing_is_found_in_nothing() -> None:
    assert RetinaFace(network({}), OPTIONS).detect(frame(SIDE, SIDE)) == []


def test_the_best_of_very_many_candidates_survive() -> None:
    detector = RetinaFace(network(dict.fromkeys(range(len(ANCHORS)), 0.9) | {17: 0.99}), OPTIONS)
    assert detector.detect(frame(SIDE, SIDE))[0].score == pytest.approx(0.99)


def test_an_output_that_is_not_finite_raises() -> None:
    with pytest.raises(ModelOutputInvalid, match="not finite"):
        RetinaFace(network({}, broken=True), OPTIONS).detect(frame(SIDE, SIDE))


def test_another_network_is_refused() -> None:
    other = constant_network(("N", 3, "H", "W"), {"loc": (("N", 4), np.zeros((1, 4), np.float32))})
    with pytest.raises(ModelError):
        RetinaFace(other)


class Looks(RetinaFace):
    """Sees given faces in looks of given sides, and notes which looks were taken."""

    def __init__(self, seen: Mapping[int, list[Detection]]) -> None:
        super().__init__(network({}))
        self.seen, self.taken = seen, list[int]()

    def _look(self, pixels: Pixels, side_px: int) -> list[Detection]:
        self.taken.append(side_px)
        return self.seen.get(side_px, [])


LARGE, SMALL = detection_at(240, 160, 140, score=0.999), detection_at(280, 200, 120, score=0.999)
FAR = detection_at(300, 220, 60, score=0.999)
UNSURE = detection_at(240, 160, 140, score=0.99)
WEAK = detection_at(260, 180, 120, score=0.6)


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        ({320: [LARGE]}, [320]),
        ({320: [SMALL], 384: [SMALL]}, [320, 384]),
        ({320: [SMALL], 384: [FAR], 640: [SMALL]}, [320, 384, 640]),
        ({320: [FAR], 640: [FAR]}, [320, 640]),
        ({320: [UNSURE], 640: [LARGE]}, [320, 640]),
        ({320: [LARGE, detection_at(90, 160, 130, score=0.9)], 640: [LARGE]}, [320, 640]),
        ({640: [WEAK]}, [320, 640]),
    ],
    ids=["large", "small", "unsure of the small", "far", "unsure", "two alike", "nothing"],
)
def test_a_small_look_is_enough_only_where_nothing_could_be_missed(
    found: dict[int, list[Detection]], taken: list[int]
) -> None:
    detector = Looks(found)
    assert detector.detect(frame(480, 640)) == found[taken[-1]]
    assert detector.taken == taken


def test_a_large_picture_without_a_good_face_is_looked_at_closely() -> None:
    detector = Looks({640: [WEAK], 1280: [UNSURE]})
    assert detector.detect(frame(1500, 2000)) == [UNSURE]
    assert detector.taken == [320, 640, 1280]


def test_a_picture_that_no_look_makes_smaller_is_looked_at_once() -> None:
    detector = Looks({640: [UNSURE]})
    assert detector.detect(frame(112, 112)) == [UNSURE]
    assert detector.taken == [640]
