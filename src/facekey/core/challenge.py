"""Challenge: what a person in front of the camera is asked to do, and in which order.

The server draws it, at random, for one session of one client and one user, and it is good
for one answer. Nobody knows it before it is asked, so no recording holds the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from facekey.core.types import SubjectId

LIMIT_S = 20.0
FEWEST, MOST = 2, 3

_T = TypeVar("_T")


class Random(Protocol):
    """Where chance comes from; `secrets.SystemRandom` in service."""

    def sample(self, population: tuple[_T, ...], k: int) -> list[_T]:
        """`k` different elements in random order."""
        ...

    def randint(self, a: int, b: int) -> int:
        """A number from `a` to `b`, both included."""
        ...

    def getrandbits(self, k: int) -> int:
        """A number of `k` random bits."""
        ...


class Action(StrEnum):
    """Something a person can be asked to do. Left and right are the person's own."""

    BLINK = "blink"
    SMILE = "smile"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    NOD = "nod"


INSTRUCTIONS: Mapping[Action, str] = {
    Action.BLINK: "Close your eyes for a moment, then open them.",
    Action.SMILE: "Smile broadly.",
    Action.TURN_LEFT: "Turn your head to your left.",
    Action.TURN_RIGHT: "Turn your head to your right.",
    Action.NOD: "Nod: lower your chin, then look up again.",
}
"""What the person is told; a test checks that none is missing."""

HEAD_MOVES = frozenset({Action.TURN_LEFT, Action.TURN_RIGHT, Action.NOD})
"""Every challenge has one: blinks and smiles come unasked, and only a moving head shows depth."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Whom a challenge was drawn for. An answer by anybody else is none."""

    client_id: str
    session_id: str
    subject_id: SubjectId

    def __str__(self) -> str:
        """One line that no other binding has: the parts can't hold a slash."""
        return f"{self.client_id}/{self.session_id}/{self.subject_id}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is asked.

    Attributes:
        challenge_id: 128 random bits, hexadecimal.
        actions: in the order they must be done; empty when nothing is asked.

    Raises:
        ValueError: an action comes twice: the second could be done by repeating the first.
    """

    challenge_id: str
    binding: Binding
    actions: tuple[Action, ...]
    limit_s: float = LIMIT_S

    def __post_init__(self) -> None:
        """Refuse repetitions."""
        if len(set(self.actions)) != len(self.actions):
            raise ValueError("no action may come twice in one challenge")


def draw_challenge(binding: Binding, chance: Random, *, count: int | None = None) -> Challenge:
    """Draw a challenge: every order of different actions with a head move is as likely.

    Args:
        binding: whom it is for.
        chance: where it comes from; predictable chance makes predictable challenges.
        count: how many actions; None draws two or three, 0 asks for nothing.

    Raises:
        ValueError: there are not so many actions.
    """
    if count is not None and not 0 <= count <= len(Action):
        raise ValueError(f"a challenge has 0 to {len(Action)} actions")
    size = chance.randint(FEWEST, MOST) if count is None else count
    actions = chance.sample(tuple(Action), size)
    while actions and not HEAD_MOVES.intersection(actions):
        actions = chance.sample(tuple(Action), size)
    return Challenge(f"{chance.getrandbits(128):032x}", binding, tuple(actions))
