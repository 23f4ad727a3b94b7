from collections import Counter
from random import Random

import pytest

from facekey.core.challenge import HEAD_MOVES, INSTRUCTIONS, Action, Binding, Challenge, draw_challenge
from facekey.core.types import SubjectId

BINDING = Binding("kiosk", "session-1", SubjectId("alice"))


def chance(seed: int) -> Random:
    """Chance that can be had again."""
    return Random(seed)  # noqa: S311


def test_two_or_three_different_actions_with_a_head_move_in_every_order() -> None:
    drawn = [draw_challenge(BINDING, chance(seed)) for seed in range(3000)]
    for challenge in drawn:
        assert len(challenge.actions) in (2, 3)
        assert len(set(challenge.actions)) == len(challenge.actions)
        assert HEAD_MOVES.intersection(challenge.actions)
        assert challenge.binding == BINDING
    orders = Counter(challenge.actions for challenge in drawn)
    # Ordered pairs and triples of five actions, less blink and smile in both orders.
    assert len(orders) == 5 * 4 - 2 + 5 * 4 * 3
    pairs = [count for actions, count in orders.items() if len(actions) == 2]
    assert max(pairs) < 3 * min(pairs), "all orders of one length are about as likely"
    assert len({challenge.challenge_id for challenge in drawn}) == len(drawn)


@pytest.mark.parametrize("count", [0, 2, 5])
def test_an_operator_may_choose_how_many(count: int) -> None:
    assert len(draw_challenge(BINDING, chance(1), count=count).actions) == count


@pytest.mark.parametrize("count", [-1, 6])
def test_more_actions_than_there_are(count: int) -> None:
    with pytest.raises(ValueError, match="0 to 5"):
        draw_challenge(BINDING, chance(1), count=count)


def test_the_same_action_never_comes_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        Challenge("id", BINDING, (Action.NOD, Action.NOD))


def test_bindings_differ_in_each_part() -> None:
    others = [
        Binding("other", "session-1", SubjectId("alice")),
        Binding("kiosk", "session-2", SubjectId("alice")),
        Binding("kiosk", "session-1", SubjectId("bob")),
    ]
    assert len({str(one) for one in (BINDING, *others)}) == 4


def test_every_action_has_an_instruction() -> None:
    assert set(INSTRUCTIONS) == set(Action)
