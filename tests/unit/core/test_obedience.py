"""Answers to challenges, good and bad. The face of these tests moves by numbers."""

from dataclasses import replace

import pytest

from facekey.core.challenge import Action, Binding, Challenge
from facekey.core.faults import PUBLIC, Fault
from facekey.core.obedience import HOLD_S, REACTION_S, Obedience
from facekey.core.posture import BASELINE_FRAMES, find_baseline, lids_of, posture, straight
from facekey.core.types import Glimpse, SubjectId
from tests.unit.core.glimpsed import glimpse

FRAME_S = 1 / 15
BINDING = Binding("kiosk", "session", SubjectId("alice"))
SHOWN: dict[Action, dict[str, float]] = {
    Action.BLINK: {"eyes": 0.4},
    Action.SMILE: {"mouth": 1.2},
    Action.TURN_LEFT: {"yaw_deg": 25.0},
    Action.TURN_RIGHT: {"yaw_deg": -25.0},
    Action.NOD: {"pitch_deg": -12.0},
}


class Person:
    """Before the camera, frame after frame."""

    def __init__(self, *actions: Action, yaw_deg: float = 0.0) -> None:
        self.now_s = 100.0
        self.yaw_deg = yaw_deg
        found = find_baseline([self.next() for _ in range(10)])
        assert found is not None
        self.obedience = Obedience(Challenge("id", BINDING, actions), found[0])
        self.faults: list[Fault] = []

    def next(self, **what: float) -> Glimpse:
        self.now_s += FRAME_S
        return glimpse(self.now_s, **{**what, "yaw_deg": what.get("yaw_deg", 0.0) + self.yaw_deg})  # type: ignore[arg-type]

    def show(self, seconds: float, **what: float) -> None:
        """Do this for a while, and hear prompts as they come."""
        for _ in range(round(seconds / FRAME_S)):
            fault = self.obedience.see(self.next(**what))
            if fault is not None:
                self.faults.append(fault)
                return
            if self.obedience.due is not None:
                self.obedience.asked(self.now_s)

    def rest(self, seconds: float = 0.5) -> None:
        self.show(seconds)

    def do(self, action: Action, seconds: float = 0.5) -> None:
        self.show(seconds, **SHOWN[action])


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("yaw_deg", [0.0, 12.0, -12.0])
def test_each_action_is_seen_from_the_persons_own_rest(action: Action, yaw_deg: float) -> None:
    person = Person(action, yaw_deg=yaw_deg)
    person.rest()
    assert person.obedience.current is action
    person.do(action)
    person.rest()
    assert person.obedience.complete
    assert not person.faults
    (window,) = person.obedience.windows
    assert posture(window[-1], find_baseline([person.next() for _ in range(10)])[0]).resting or action in (  # type: ignore[index]
        Action.SMILE,
        Action.TURN_LEFT,
        Action.TURN_RIGHT,
    )


def test_three_actions_in_their_order() -> None:
    actions = Action.TURN_RIGHT, Action.BLINK, Action.NOD
    person = Person(*actions)
    for place, action in enumerate(actions):
        person.rest(0.8)
        assert (person.obedience.current, person.obedience.done) == (action, place)
        person.do(action)
    person.rest()
    assert person.obedience.complete
    assert person.obedience.due is None
    assert len(person.obedience.windows) == 3
    assert person.obedience.current is None


def test_nothing_is_asked_before_the_face_is_at_rest() -> None:
    person = Person(Action.TURN_LEFT, Action.SMILE)
    person.rest()
    person.do(Action.TURN_LEFT, 2.0)
    assert person.obedience.done == 1
    assert person.obedience.due is None, "the head is still turned"
    person.rest()
    assert person.obedience.current is Action.SMILE


@pytest.mark.parametrize("action", [Action.SMILE, Action.TURN_LEFT, Action.TURN_RIGHT, Action.NOD])
def test_answering_faster_than_a_person_can_is_refused(action: Action) -> None:
    person = Person(action)
    person.rest(3 * FRAME_S)
    assert person.obedience.current is action
    person.do(action, REACTION_S / 2)
    assert person.faults == [Fault.TOO_FAST]


def test_a_blink_by_reflex_does_not_count_but_the_next_one_does() -> None:
    person = Person(Action.BLINK)
    person.rest(2 * FRAME_S)
    person.do(Action.BLINK, 0.4)
    person.rest(0.2)
    assert not person.obedience.complete
    person.do(Action.BLINK, 0.3)
    person.rest(0.2)
    assert person.obedience.complete


def test_what_began_before_it_was_asked_for_does_not_count() -> None:
    person = Person(Action.SMILE)
    person.rest(2 * FRAME_S)
    asked_s = person.now_s
    # Frames that were on their way when the prompt was sent say nothing about it.
    late = replace(person.next(**SHOWN[Action.SMILE]), at_s=asked_s - 0.01)
    assert person.obedience.see(late) is None
    person.now_s = asked_s + REACTION_S
    person.do(Action.SMILE, 1.0)
    assert not person.obedience.complete, "nobody saw the face at rest after the prompt"
    person.rest()
    person.do(Action.SMILE)
    assert person.obedience.complete


def test_a_flicker_is_not_an_action() -> None:
    for action in (Action.SMILE, Action.TURN_LEFT, Action.BLINK, Action.NOD):
        person = Person(action)
        person.rest()
        person.do(action, FRAME_S)
        person.rest()
        assert not person.obedience.complete, action
    assert HOLD_S > FRAME_S


def test_mixing_up_left_and_right_once_is_forgiven() -> None:
    person = Person(Action.TURN_LEFT)
    person.rest()
    person.do(Action.TURN_RIGHT)
    assert not person.obedience.complete, "the other way does not count"
    person.rest()
    person.do(Action.TURN_LEFT)
    assert person.obedience.complete
    assert not person.faults


@pytest.mark.parametrize("asked", [Action.BLINK, Action.SMILE, Action.TURN_LEFT])
def test_a_recording_that_does_everything_in_another_order_is_refused(asked: Action) -> None:
    person = Person(asked)
    person.rest()
    for action in (Action.NOD, Action.TURN_RIGHT):
        person.do(action)
        person.rest()
    assert person.faults[:1] == [Fault.WRONG_ACTION]


def test_blinks_and_smiles_come_unasked() -> None:
    person = Person(Action.NOD)
    person.rest()
    for action in (Action.BLINK, Action.SMILE, Action.BLINK):
        person.do(action)
        person.rest()
    assert not person.faults
    person.do(Action.NOD)
    person.rest()
    assert person.obedience.complete


def test_a_wrong_action_counts_once_however_long_it_lasts() -> None:
    person = Person(Action.BLINK)
    person.rest()
    person.do(Action.TURN_LEFT, 1.0)
    person.show(0.2, yaw_deg=12.0)
    person.do(Action.TURN_LEFT, 1.0)
    assert not person.faults


def test_time_is_limited_from_the_first_prompt_on() -> None:
    person = Person(Action.NOD)
    assert person.obedience.left_s(person.now_s) == 20.0
    person.rest(21.0)
    assert person.faults == [Fault.EXPIRED]
    assert person.obedience.left_s(person.now_s) <= 0


def test_an_empty_challenge_is_complete_from_the_start() -> None:
    person = Person()
    person.rest()
    assert person.obedience.complete
    assert person.obedience.windows == ()


class TestBaseline:
    def test_it_is_the_middle_of_what_was_seen(self) -> None:
        seen = [glimpse(place * FRAME_S, yaw_deg=5.0, pitch_deg=-4.0) for place in range(12)]
        seen[5] = replace(seen[5], lids=replace(lids_of(seen[5]), left=0.05, right=0.05))  # a blink
        found = find_baseline(seen)
        assert found is not None
        baseline, frames = found
        assert (baseline.yaw_deg, baseline.pitch_deg, baseline.eyes) == (5.0, -4.0, 0.25)
        assert len(frames) == 12

    def test_there_is_none_of_too_few_frames_or_too_short_a_time(self) -> None:
        assert find_baseline([glimpse(n * 0.2) for n in range(BASELINE_FRAMES - 1)]) is None
        assert find_baseline([glimpse(n * 0.01) for n in range(20)]) is None

    def test_there_is_none_while_the_head_moves(self) -> None:
        assert find_baseline([glimpse(n * FRAME_S, yaw_deg=float(n)) for n in range(14)]) is None

    def test_it_begins_anew_after_looking_away(self) -> None:
        away = [glimpse(0.0, yaw_deg=30.0)]
        back = [glimpse(n * FRAME_S) for n in range(1, 12)]
        assert not straight(away[0])
        found = find_baseline(away + back)
        assert found is not None
        assert len(found[1]) == 11
        assert find_baseline([*back, glimpse(1.0, pitch_deg=-20.0)]) is None


def test_a_frame_whose_eyes_nobody_looked_at_is_refused() -> None:
    with pytest.raises(ValueError, match="not looked at"):
        lids_of(replace(glimpse(0.0), lids=None))


def test_every_fault_has_a_public_reason() -> None:
    assert set(PUBLIC) == set(Fault)
