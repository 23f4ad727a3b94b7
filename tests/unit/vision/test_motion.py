from collections.abc import Callable

import numpy as np
import pytest

from facekey.core.types import Glimpse, Lids
from facekey.vision.liveness.motion import (
    FEATURES,
    MAX_FRAMES,
    WINDOW_S,
    FaceSeries,
    features,
    recent,
    tells_something,
)
from tests.unit.vision.moving import glimpse, head

RIGHT_EYE = 1
YAW = 5
RIGID_LONG = 11
CNN = 16


def watched(fps: float, seconds: float, at: Callable[[float], Glimpse]) -> FaceSeries:
    return FaceSeries.of([at(number / fps) for number in range(int(seconds * fps) + 1)])


def swaying(at_s: float) -> Glimpse:
    """A head that turns to and fro, mouth moving, one blink at 1 s."""
    points = head()
    points[:, 0] -= 0.25 * np.sin(2 * np.pi * 0.4 * at_s) * points[:, 2]
    points[points[:, 1] > 85, 1] += 4 * np.sin(2 * np.pi * 0.5 * at_s)
    shut = np.clip(1 - abs(at_s - 1.0) / 0.25, 0, 1)
    lids = Lids(0.25 * (1 - 0.6 * shut), 0.25 * (1 - 0.6 * shut))
    return glimpse(at_s, points=points, lids=lids, yaw_deg=20 * np.sin(2 * np.pi * 0.4 * at_s), live=0.8)


def test_there_is_a_row_for_each_frame_and_a_column_for_each_feature() -> None:
    rows = features(watched(10, 3, swaying))
    assert rows.shape == (31, len(FEATURES))
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("fps", [6, 10, 15])
def test_the_frame_rate_changes_how_often_but_not_what_is_seen(fps: int) -> None:
    fast, slow = features(watched(30, 4, swaying)), features(watched(fps, 4, swaying))
    same_times = fast[:: 30 // fps]
    # The first 1.2 seconds have less to look back on; later frames must agree.
    begin = int(1.3 * fps)
    for column in (RIGHT_EYE, YAW, RIGID_LONG):
        np.testing.assert_allclose(slow[begin:, column], same_times[begin:, column], atol=0.25)


def test_a_blink_shows() -> None:
    rows = features(watched(15, 3, swaying))
    assert rows[15, RIGHT_EYE] < -0.5
    assert abs(np.median(rows[:, RIGHT_EYE])) < 0.01


def test_distance_and_place_drop_out() -> None:
    def far(at_s: float) -> Glimpse:
        one = swaying(at_s)
        points = (one.mesh.points / 3 + (400, 20, 0)).astype(np.float32)
        return glimpse(at_s, points=points, lids=one.lids, live=0.8, yaw_deg=one.evidence.quality.yaw_deg)

    np.testing.assert_allclose(features(watched(10, 3, far)), features(watched(10, 3, swaying)), atol=2e-3)


def test_eyes_that_nobody_looked_at_never_blink() -> None:
    rows = features(watched(10, 2, glimpse))
    assert not rows[:, RIGHT_EYE : RIGHT_EYE + 2].any()


def test_one_picture_never_says_more_than_so_much() -> None:
    rows = features(watched(10, 2, lambda at_s: glimpse(at_s, live=1.0)))
    assert rows[:, CNN] == pytest.approx(np.log(49) / 4, abs=1e-5)


def test_a_picture_that_does_not_move_at_all_tells_nothing() -> None:
    assert not tells_something(watched(10, 3, glimpse))


def test_a_shifted_picture_tells_something() -> None:
    assert tells_something(watched(10, 3, lambda at_s: glimpse(at_s, points=head() + np.float32(at_s))))


@pytest.mark.parametrize(("fps", "seconds"), [(30, 0.5), (2, 3)])
def test_too_short_or_too_few_tell_nothing(fps: float, seconds: float) -> None:
    assert not tells_something(watched(fps, seconds, swaying))


def test_only_the_last_seconds_count_and_never_too_many_frames() -> None:
    at_s = np.arange(0, 20, 1 / 60)
    places = recent(at_s)
    assert len(places) == MAX_FRAMES
    assert places[-1] == len(at_s) - 1
    assert at_s[places[0]] == pytest.approx(at_s[-1] - WINDOW_S, abs=0.02)
    assert list(recent(np.array([0.0, 18.0, 19.0, 20.0]))) == [1, 2, 3]
