import numpy as np
import pytest

from facekey.core.types import Detection, Floats, Frame
from facekey.vision.detect.hybrid import HybridDetector
from tests.unit.vision.faces import FixedDetector, detection_at

MARK = (70, 20)  # row and column of a white pixel that stands for an upright face


def upright() -> Floats:
    picture: Floats = np.zeros((100, 60, 3), np.float32)
    picture[MARK] = 255
    return picture


def where_upright(frame: Frame) -> list[Detection]:
    """A face at the mark, but only in a picture that is higher than wide with the mark low."""
    rows, columns = np.nonzero(frame.pixels[..., 0])
    if frame.size != (100, 60) or rows[0] != MARK[0]:
        return []
    return [detection_at(columns[0] - 15, rows[0] - 20, 30)]


def nothing(_: Frame) -> list[Detection]:
    return []


def test_a_sure_first_answer_is_the_answer() -> None:
    sure = detection_at(10, 10, score=0.999)
    first, second = FixedDetector(lambda _: [sure]), FixedDetector(nothing)
    assert HybridDetector(first, second).detect(Frame(np.zeros((90, 90, 3), np.uint8))) == [sure]
    assert (len(first.seen), len(second.seen)) == (1, 0)


def test_a_good_answer_is_looked_at_in_all_turns_from_close() -> None:
    good = detection_at(30, 30, 30, score=0.97)
    first, second = FixedDetector(lambda _: [good]), FixedDetector(nothing)
    assert HybridDetector(first, second).detect(Frame(np.zeros((300, 200, 3), np.uint8))) == [good]
    assert [max(frame.size) for frame in first.seen] == [300, 112, 112, 112, 112]
    assert second.seen == []


def test_the_second_is_asked_when_the_first_finds_nothing_good() -> None:
    weak, sure = detection_at(10, 10, score=0.6), detection_at(30, 30, score=0.99)
    hybrid = HybridDetector(FixedDetector(lambda _: [weak]), FixedDetector(lambda _: [sure]))
    assert hybrid.detect(Frame(np.zeros((90, 90, 3), np.uint8))) == [sure]


def test_the_better_of_two_weak_answers_is_kept() -> None:
    weak, weaker = detection_at(10, 10, score=0.7), detection_at(30, 30, score=0.6)
    for faces in ((weak, weaker), (weaker, weak)):
        first, second = (FixedDetector(lambda _, face=face: [face]) for face in faces)  # type: ignore[misc]
        assert HybridDetector(first, second).detect(Frame(np.zeros((90, 90, 3), np.uint8))) == [weak]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_picture_is_turned_back_and_so_are_the_faces(turns: int) -> None:
    picture = np.rot90(upright(), turns).astype(np.uint8)
    (face,) = HybridDetector(FixedDetector(where_upright)).detect(Frame(np.ascontiguousarray(picture)))
    row, column = (int(place[0]) for place in np.nonzero(picture[..., 0]))
    # The box still lies around the mark; a quarter turn swaps its sides.
    across, down = (30, 40) if turns % 2 == 0 else (40, 30)
    assert (face.box.width, face.box.height) == pytest.approx((across, down))
    assert face.box.x1 <= column <= face.box.x2
    assert face.box.y1 <= row <= face.box.y2
    # The eyes point the way the picture was turned.
    eye_line = face.landmarks[1] - face.landmarks[0]
    expected = {0: (1, 0), 1: (0, -1), 2: (-1, 0), 3: (0, 1)}[turns]
    np.testing.assert_allclose(eye_line / np.linalg.norm(eye_line), expected, atol=0.02)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_good_score_for_a_face_upside_down_is_not_believed(turns: int) -> None:
    """The detector is fairly sure in every turn and surest in the right one."""
    picture = np.zeros((120, 120, 3), np.uint8)
    picture[:60] = 200  # light is up
    lying = np.ascontiguousarray(np.rot90(picture, -turns))

    def find(frame: Frame) -> list[Detection]:
        side = frame.size[0]
        upper, lower = frame.pixels[: side // 3].mean(), frame.pixels[-side // 3 :].mean()
        return [
            detection_at(side * 0.3, side * 0.25, side * 0.4, score=0.999 if upper > lower + 100 else 0.97)
        ]

    (face,) = HybridDetector(FixedDetector(find)).detect(Frame(lying))
    eye_line = face.landmarks[1] - face.landmarks[0]
    expected = {1: (0, 1), 2: (-1, 0), 3: (0, -1)}[turns]
    np.testing.assert_allclose(eye_line / np.linalg.norm(eye_line), expected, atol=0.02)


def test_a_strong_tilt_is_doubtful_whatever_the_score() -> None:
    points = detection_at(30, 30).landmarks
    lying = ((points - points.mean(axis=0)) @ np.array([[0, 1], [-1, 0]]) + 60).astype(np.float32)
    tilted = detection_at(30, 30, score=1.0, landmarks=lying)
    first = FixedDetector(lambda _: [tilted])
    assert HybridDetector(first).detect(Frame(np.zeros((120, 120, 3), np.uint8))) == [tilted]
    assert len(first.seen) == 5


def test_a_box_beyond_the_edge_can_be_looked_at_too() -> None:
    outside = detection_at(500, 500, score=0.97)
    first = FixedDetector(lambda _: [outside])
    assert HybridDetector(first).detect(Frame(np.zeros((90, 90, 3), np.uint8))) == [outside]


def test_the_work_is_bounded() -> None:
    first, second = FixedDetector(nothing), FixedDetector(nothing)
    assert HybridDetector(first, second).detect(Frame(np.zeros((90, 90, 3), np.uint8))) == []
    assert (len(first.seen), len(second.seen)) == (4, 1)
