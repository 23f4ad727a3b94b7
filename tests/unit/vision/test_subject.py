import pytest

from facekey.vision.subject import SubjectPolicy, clear_subject
from tests.unit.vision.faces import detection_at

SIZE = (480, 640)
MIDDLE = (260, 180)
POLICY = SubjectPolicy()


def test_a_large_face_in_the_middle_is_clear_whatever_was_not_seen() -> None:
    face = detection_at(*MIDDLE, 120)
    assert clear_subject([face], SIZE, POLICY, unseen=64) is face


def test_a_face_that_an_unseen_one_could_stand_beside_is_not() -> None:
    for width, unseen in ((80, 64), (120, 110)):
        assert clear_subject([detection_at(*MIDDLE, width)], SIZE, POLICY, unseen=unseen) is None


def test_at_the_rim_it_takes_a_larger_face() -> None:
    """Someone small in the very middle could be meant."""
    at_the_rim = detection_at(0, 0, 120)
    assert clear_subject([at_the_rim], SIZE, POLICY, unseen=64) is None
    assert clear_subject([at_the_rim], SIZE, POLICY, unseen=16) is at_the_rim


@pytest.mark.parametrize("faces", [[], [detection_at(100, 180, 120), detection_at(400, 180, 120)]])
def test_nobody_or_two_alike_are_not_clear(faces: list[object]) -> None:
    assert clear_subject(faces, SIZE, POLICY, unseen=1) is None  # type: ignore[arg-type]
