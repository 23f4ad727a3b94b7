import math

import numpy as np
import pytest

from facekey.core.faults import Fault
from facekey.core.matching import Match, Matcher
from facekey.core.pooling import PRICE, WINDOW_EVIDENCE, pool
from facekey.core.recurrence import (
    FACE_BITS,
    MOST_KEPT,
    REPLAYED_FRAMES,
    WHOLE_BITS,
    Loop,
    bits_apart,
    same_frame,
    words,
)
from facekey.core.tracking import LOST_S, Tracker
from facekey.core.types import FrameHash, ModelId
from tests.unit.core.glimpsed import frame_hash, glimpse
from tests.unit.core.made import CALIBRATION, MODEL, direction, near

FRAME_S = 1 / 15
ALICE, MALLORY = direction(1), direction(2)


def tracker() -> Tracker:
    tracking = Tracker(Matcher({MODEL: CALIBRATION}))
    for place in range(8):
        assert tracking.see(glimpse(place * FRAME_S, face=near(ALICE, 0.9, place + 10))) is None
    return tracking


NEXT_S = 8 * FRAME_S


def test_the_same_face_goes_on() -> None:
    tracking = tracker()
    assert tracking.see(glimpse(NEXT_S, face=near(ALICE, 0.85, 50), x=112.0, width=205.0)) is None
    assert tracking.see(glimpse(NEXT_S + 0.5, face=ALICE, x=190.0, width=160.0)) is None


@pytest.mark.parametrize("at_s", [NEXT_S - FRAME_S, 0.0, -5.0, math.nan])
def test_time_that_does_not_go_forward_is_refused(at_s: float) -> None:
    assert tracker().see(glimpse(at_s, face=ALICE, picture=99)) is Fault.TIME_BACKWARDS


def test_spliced_people_are_refused_by_their_identity() -> None:
    assert tracker().see(glimpse(NEXT_S, face=MALLORY)) is Fault.OTHER_FACE


def test_a_slow_change_of_face_is_refused_too() -> None:
    tracking = tracker()
    faults = []
    for step in range(1, 60):
        part = step / 60
        mixed = (1 - part) * ALICE + part * MALLORY
        faults.append(tracking.see(glimpse(NEXT_S + step * FRAME_S, face=mixed / np.linalg.norm(mixed))))
        if faults[-1]:
            break
    assert faults[-1] is Fault.OTHER_FACE, "each frame is like the one before, but not like the first"


@pytest.mark.parametrize("where", [{"x": 220.0}, {"width": 290.0}, {"width": 130.0}])
def test_a_face_that_jumps_is_refused(where: dict[str, float]) -> None:
    assert tracker().see(glimpse(NEXT_S, face=ALICE, **where)) is Fault.FACE_JUMPED  # type: ignore[arg-type]


def test_a_face_that_was_away_is_not_tracked_any_more() -> None:
    assert tracker().see(glimpse(NEXT_S + LOST_S, face=ALICE)) is Fault.FACE_LOST


class TestRecurrence:
    def test_another_encoding_is_the_same_frame_and_another_frame_is_not(self) -> None:
        kept = [words(frame_hash(seed)) for seed in range(5)]
        whole, face = (np.stack([half[place] for half in kept]) for place in (0, 1))
        assert list(same_frame(whole, face, words(frame_hash(3)))) == [3]
        assert list(same_frame(whole, face, words(frame_hash(3, flipped=WHOLE_BITS)))) == [3]
        assert list(same_frame(whole, face, words(frame_hash(3, flipped=WHOLE_BITS + 1)))) == []
        assert list(same_frame(whole, face, words(frame_hash(9)))) == []

    def test_a_still_room_does_not_make_frames_the_same(self) -> None:
        room, face = frame_hash(1), frame_hash(2)
        moved = FrameHash(room.whole, frame_hash(2, flipped=FACE_BITS + 1).face)
        kept = words(FrameHash(room.whole, face.face))
        assert list(same_frame(kept[0][None], kept[1][None], words(moved))) == []
        assert bits_apart(kept[0][None], words(moved)[0])[0] == 0

    def test_a_loop_is_noticed(self) -> None:
        loop, at_s = Loop(), 0.0
        seen = []
        for number in [*range(30), *range(30)]:
            at_s += FRAME_S
            seen.append(loop.see(frame_hash(number), at_s))
        assert not any(seen[: 30 + REPLAYED_FRAMES - 1])
        assert all(seen[30 + REPLAYED_FRAMES :])

    def test_frames_put_in_another_order_are_noticed(self) -> None:
        loop = Loop()
        order = [*range(40), *range(20, 0, -1)]
        assert [loop.see(frame_hash(number), place * FRAME_S) for place, number in enumerate(order)][-1]

    def test_holding_still_is_no_loop(self) -> None:
        loop = Loop()
        still = [loop.see(frame_hash(1, flipped=place % 20), place * FRAME_S) for place in range(200)]
        assert not any(still)

    def test_it_does_not_grow_without_end(self) -> None:
        loop = Loop()
        for place in range(MOST_KEPT + 5):
            loop.see(frame_hash(1), place * FRAME_S)
        assert len(loop._at_s) == MOST_KEPT

    def test_half_a_hash_is_refused(self) -> None:
        with pytest.raises(ValueError, match="128 bytes"):
            words(FrameHash(b"", bytes(128)))


class TestPooling:
    @staticmethod
    def matches(*evidences: float) -> list[Match]:
        return [Match(value, {ModelId("a"): value}) for value in evidences]

    def test_the_middle_of_all_frames_at_its_price(self) -> None:
        pooled = pool([self.matches(6, 7, 8), self.matches(5, 9)])
        assert pooled.evidence == pytest.approx(7 - PRICE)
        assert pooled.by_network == {ModelId("a"): 7}

    def test_one_bad_frame_decides_nothing(self) -> None:
        assert pool([self.matches(6, 6, 0.1), self.matches(6, 6, 6)]).evidence == pytest.approx(6 - PRICE)

    def test_a_long_stretch_of_the_victim_does_not_carry_anothers_answer(self) -> None:
        """An impostor who answers the challenge between many frames of the victim's picture."""
        pooled = pool([self.matches(*[12.0] * 100), self.matches(0.5, 0.7, 0.6)])
        assert pooled.evidence < WINDOW_EVIDENCE

    def test_a_few_frames_of_the_victim_in_every_part_do_not_help(self) -> None:
        mixed = self.matches(12, 12, 2.5, 2.6, 2.7)
        assert pool([mixed, mixed]).evidence < 3.0

    @pytest.mark.parametrize("windows", [[], [[]]])
    def test_no_frames_is_no_match(self, windows: list[list[Match]]) -> None:
        with pytest.raises(ValueError, match="frames in every part"):
            pool(windows)
