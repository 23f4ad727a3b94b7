"""What every `SequenceNetwork` promises; the fake of the unit tests keeps what a fake can."""

import numpy as np
import pytest

from facekey.core.ports.vision import SequenceNetwork
from facekey.core.types import FacePatch, Glimpse, Lids
from facekey.vision.liveness.parallax import ParallaxLiveness
from facekey.vision.liveness.temporal import TemporalLiveness
from facekey.zoo.zoo import Zoo
from tests.unit.vision.moving import glimpse, head, skin, turned_head
from tests.unit.vision.test_sequence import Says

SEED = 3


@pytest.fixture(params=["temporal", "parallax"])
def real(request: pytest.FixtureRequest, zoo: Zoo) -> SequenceNetwork:
    if request.param == "temporal":
        return TemporalLiveness(zoo.open("liveness_temporal"), slope=1.0, intercept=0.0)
    return ParallaxLiveness(slope=8.0, intercept=-0.5)


@pytest.fixture(params=["real", "fake"])
def network(request: pytest.FixtureRequest, real: SequenceNetwork) -> SequenceNetwork:
    return real if request.param == "real" else Says(0.7)


def living(fps: float = 10.0, seconds: float = 3.0) -> list[Glimpse]:
    """A head that turns, blinks and has the noise of a camera."""
    rng = np.random.default_rng(SEED)
    made = []
    for at_s in np.arange(0, seconds, 1 / fps):
        by = 0.12 * np.sin(2 * np.pi * 0.4 * at_s)
        points = head() + rng.normal(0, 0.15, (468, 3)).astype(np.float32)
        points[:, 0] -= by * points[:, 2]
        patch = turned_head(skin(), by)
        grain = np.clip(patch.pixels + rng.normal(0, 2, patch.pixels.shape), 0, 255).astype(np.uint8)
        shut = 0.6 * max(0.0, 1 - abs(at_s - 1.5) / 0.2)
        lids = Lids(0.25 * (1 - shut), 0.25 * (1 - shut))
        made.append(
            glimpse(float(at_s), points=points, patch=FacePatch(grain, patch.to_frame), lids=lids, live=0.9)
        )
    return made


def test_the_model_has_a_name(network: SequenceNetwork) -> None:
    assert ":" in network.model_id


def test_a_sequence_gets_a_probability_and_always_the_same(network: SequenceNetwork) -> None:
    first, second = network.score(living()), network.score(living())
    assert first is not None
    assert 0.0 <= first <= 1.0
    assert first == second


def test_any_frame_rate_is_judged(network: SequenceNetwork) -> None:
    for fps in (4.0, 10.0, 30.0):
        assert network.score(living(fps)) is not None


def test_a_session_of_a_minute_is_judged(network: SequenceNetwork) -> None:
    assert network.score(living(10.0, 60.0)) is not None


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_next_to_nothing_says_nothing(real: SequenceNetwork, frames: int) -> None:
    assert real.score(living()[:frames]) is None


def test_one_picture_shown_again_and_again_is_never_live(real: SequenceNetwork) -> None:
    still = [glimpse(number / 10, patch=turned_head(skin(), 0.0), live=0.99) for number in range(40)]
    assert real.score(still) is None
