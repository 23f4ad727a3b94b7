"""The networks that ship, on a public photo that is moved and on the same face drawn as a head.

Neither is a person before a camera: what is promised here is only that a picture, however
it is moved, doesn't pass for something with depth, and that depth is seen where there is some.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from facekey.core.types import Frame, Glimpse, Liveness, ModelId, Quality
from facekey.vision.decode import decode
from facekey.vision.detect.retinaface import RetinaFace
from facekey.vision.headers import DecodeLimits
from facekey.vision.landmarks.expression import read_expression
from facekey.vision.landmarks.eyelids import EyelidReader
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.liveness.patch import cut_patch
from facekey.vision.quality.pose import head_pose
from facekey.vision.sequence import FRAMES, SequenceJudge
from facekey.wiring.vision import open_judge
from facekey.zoo.zoo import Zoo
from tests.unit.core.made import direction, evidence
from training.data.rendered import Still, brought_to_frame, moved_picture, person

FPS, SECONDS = 12.0, 3.0
TIMES = np.arange(int(FPS * SECONDS)) / FPS
PARALLAX = ModelId("parallax:1")


class Watching:
    """The networks that a glimpse needs, without those that judge single frames."""

    def __init__(self, zoo: Zoo) -> None:
        self.detector = RetinaFace(zoo.open("retinaface"))
        self.landmarker = FaceMeshLandmarker(zoo.open("facemesh"))
        self._eyes = EyelidReader(zoo.open("iris"))

    def glimpses(self, frames: Iterable[Frame], live: float) -> list[Glimpse]:
        """What a stream would see, if the liveness network said `live` of every frame."""
        return [self._glimpse(frame, at_s, live) for at_s, frame in zip(TIMES, frames, strict=True)]

    def _glimpse(self, frame: Frame, at_s: float, live: float) -> Glimpse:
        (face,) = self.detector.detect(frame)[:1]
        mesh = self.landmarker.mesh(frame, face)
        pose = head_pose(mesh, face.landmarks)
        turns = (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)
        made = evidence(direction(0), liveness=live)
        seen = type(made)(
            made.embeddings,
            Quality(0.9, 0.8, 0.8, 1.0, *turns, 140.0, 0.85, ()),
            Liveness(live, {}),
            face,
            made.thumbprint,
        )
        lids = self._eyes.lids(frame, mesh)
        return Glimpse(at_s, seen, mesh, read_expression(mesh), patch=cut_patch(frame, face), lids=lids)


@pytest.fixture(scope="module")
def watching(zoo: Zoo) -> Watching:
    return Watching(zoo)


@pytest.fixture(scope="module")
def judge(zoo: Zoo) -> SequenceJudge:
    return open_judge(zoo)


@pytest.fixture(scope="module")
def still(watching: Watching, samples: dict[str, Path]) -> Still:
    frame = decode(samples["obama.jpg"].read_bytes(), DecodeLimits())
    return brought_to_frame(frame, watching.landmarker.mesh(frame, watching.detector.detect(frame)[0]))


@pytest.mark.parametrize("attack", ["still", "shaken", "tilted", "bent"])
def test_a_moved_picture_is_refused_when_single_frames_can_not_tell(
    watching: Watching, judge: SequenceJudge, still: Still, attack: str
) -> None:
    frames = moved_picture(still, attack, TIMES, np.random.default_rng(1))  # type: ignore[arg-type]
    found = judge.judge(watching.glimpses(frames, live=0.5))
    assert found.score < judge.threshold
    assert found.parts.get(PARALLAX, 0.0) < 0.5


def test_one_frame_shown_again_and_again_is_refused(
    watching: Watching, judge: SequenceJudge, still: Still
) -> None:
    found = judge.judge(watching.glimpses([Frame(still.pixels)] * len(TIMES), live=0.5))
    assert set(found.parts) == {FRAMES}
    assert found.score < judge.threshold


def test_a_head_that_turns_has_depth(watching: Watching, judge: SequenceJudge, still: Still) -> None:
    frames = person(still, "turning", TIMES, np.random.default_rng(2))
    found = judge.judge(watching.glimpses(frames, live=0.8))
    assert found.parts[PARALLAX] > 0.7
    assert found.score > judge.threshold
