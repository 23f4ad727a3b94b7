import numpy as np
import pytest

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Floats, Frame
from facekey.vision.align import FIVE_POINTS
from facekey.vision.detect.mtcnn import Mtcnn, MtcnnOptions
from facekey.zoo.onnx import OnnxSession
from tests.unit.vision.faces import constant_network

# One pyramid level: a picture of 24 px at a minimal face of 24 px is 13 px at the first.
OPTIONS = MtcnnOptions(min_face_px=24)
POINTS = FIVE_POINTS / 112


def networks(
    *, proposal: float = 0.9, refined: float = 0.95, final: float = 0.97, shift: Floats | None = None
) -> dict[str, OnnxSession]:
    """Three networks that see one face in the one window that there is."""
    move = np.zeros(4, np.float32) if shift is None else shift
    grid = np.zeros((1, 2, 1, 1), np.float32)
    grid[0, 1] = proposal
    landmarks = np.concatenate((POINTS[:, 0], POINTS[:, 1]))[None]
    return {
        "pnet": constant_network(
            ("N", "H", "W", 3),
            {
                "boxes": (("N", 4, "h", "w"), np.zeros((1, 4, 1, 1), np.float32)),
                "probabilities": (("N", 2, "h", "w"), grid),
            },
        ),
        "rnet": constant_network(
            ("N", 24, 24, 3),
            {
                "boxes": (("N", 4), np.zeros((1, 4), np.float32)),
                "probabilities": (("N", 2), np.array([[1 - refined, refined]], np.float32)),
            },
        ),
        "onet": constant_network(
            ("N", 48, 48, 3),
            {
                "boxes": (("N", 4), move[None]),
                "landmarks": (("N", 10), landmarks.astype(np.float32)),
                "probabilities": (("N", 2), np.array([[1 - final, final]], np.float32)),
            },
        ),
    }


def frame(side: int = 24) -> Frame:
    return Frame(np.full((side, side, 3), 80, np.uint8))


def test_a_window_that_all_three_accept_is_a_face() -> None:
    (face,) = Mtcnn(**networks(), options=OPTIONS).detect(frame())
    assert (face.box.x1, face.box.y1, face.box.x2, face.box.y2) == pytest.approx((0, 0, 24, 24))
    np.testing.assert_allclose(face.landmarks, POINTS * 24, atol=1e-4)
    assert face.score == pytest.approx(0.97)


def test_the_last_network_moves_the_box_but_not_the_points() -> None:
    shift = np.array([0.1, 0.0, -0.1, 0.1], np.float32)
    (face,) = Mtcnn(**networks(shift=shift), options=OPTIONS).detect(frame())
    assert (face.box.x1, face.box.y1, face.box.x2, face.box.y2) == pytest.approx((2.4, 0, 21.6, 26.4))
    np.testing.assert_allclose(face.landmarks, POINTS * 24, atol=1e-4)


def test_a_large_picture_is_shrunk_and_the_result_brought_back() -> None:
    options = MtcnnOptions(min_face_px=24, side_px=24)
    (face,) = Mtcnn(**networks(), options=options).detect(frame(96))
    assert face.box.width == pytest.approx(96)
    np.testing.assert_allclose(face.landmarks, POINTS * 96, atol=1e-3)


@pytest.mark.parametrize("stage", ["proposal", "refined", "final"])
def test_each_network_can_refuse(stage: str) -> None:
    weak = {"proposal": 0.5, "refined": 0.5, "final": 0.5}[stage]
    cascade = networks(
        proposal=weak if stage == "proposal" else 0.9,
        refined=weak if stage == "refined" else 0.9,
        final=weak if stage == "final" else 0.9,
    )
    assert Mtcnn(**cascade, options=OPTIONS).detect(frame()) == []


def test_a_picture_smaller_than_a_window_has_no_face() -> None:
    assert Mtcnn(**networks(), options=OPTIONS).detect(frame(8)) == []


def test_an_output_that_is_not_finite_raises() -> None:
    with pytest.raises(ModelOutputInvalid, match="not finite"):
        Mtcnn(**networks(final=float("nan")), options=OPTIONS).detect(frame())
