"""Obedience: whether a challenge is answered, from what the face does after each prompt.

A state machine without a clock: time comes with the frames and with `asked`. An action
counts when the face was seen at rest after it was asked for, then did it, no sooner than a
person can react, and long enough not to be a flicker.
"""

from facekey.core.challenge import Action, Challenge
from facekey.core.faults import Fault
from facekey.core.posture import Baseline, posture
from facekey.core.types import Glimpse

REACTION_S = 0.25  # nobody reads a line and obeys faster; simple reactions alone take 0.2 s
HOLD_S = 0.2  # for what is held: turns and smiles
SWING_S = 0.1  # for what goes there and back: a spontaneous blink is seen shorter
RESTING_FRAMES = 2  # before the next prompt
MAX_WRONG = 1  # people mix up left and right, once

SWINGS = frozenset({Action.BLINK, Action.NOD})


class Obedience:
    """One person's answer to one challenge.

    Ask `due` after every frame; when it names an action, prompt it and say so with `asked`.
    """

    def __init__(self, challenge: Challenge, baseline: Baseline) -> None:
        """Begin; nothing was asked yet."""
        self._challenge = challenge
        self._baseline = baseline
        self._done = 0
        self._asked_s: float | None = None
        self._first_asked_s: float | None = None
        self._resting = 0  # frames at rest in a row
        self._rested = False  # since the prompt
        self._began_s: float | None = None
        self._wrong = 0
        self._wrong_now: Action | None = None
        self._window: list[Glimpse] = []
        self._windows: list[tuple[Glimpse, ...]] = []

    @property
    def complete(self) -> bool:
        """Whether all was done."""
        return self._done == len(self._challenge.actions)

    @property
    def done(self) -> int:
        """How many actions were done."""
        return self._done

    @property
    def current(self) -> Action | None:
        """The action that was asked for and is not done yet."""
        return None if self._asked_s is None else self._challenge.actions[self._done]

    @property
    def due(self) -> Action | None:
        """The action to ask for now: the face is at rest, so that the answer can be seen whole."""
        if self.complete or self._asked_s is not None or self._resting < RESTING_FRAMES:
            return None
        return self._challenge.actions[self._done]

    @property
    def windows(self) -> tuple[tuple[Glimpse, ...], ...]:
        """For each action done, the frames from its prompt to its end."""
        return tuple(self._windows)

    def left_s(self, now_s: float) -> float:
        """Seconds until the challenge is over; the whole limit before the first prompt."""
        first = now_s if self._first_asked_s is None else self._first_asked_s
        return self._challenge.limit_s - (now_s - first)

    def asked(self, at_s: float) -> None:
        """The action that is due was asked for at this time."""
        self._asked_s = at_s
        self._first_asked_s = at_s if self._first_asked_s is None else self._first_asked_s
        self._rested, self._began_s, self._wrong_now, self._window = False, None, None, []

    def see(self, glimpse: Glimpse) -> Fault | None:
        """Take the next frame; a fault ends it all.

        (1) The time limit. (2) Between prompts, wait for the face to come to rest.
        (3) A frame that was on its way when the prompt was sent says nothing about it.
        (4) A clear action that wasn't asked for. (5) The action that was.
        """
        # (1)
        if self.left_s(glimpse.at_s) <= 0:
            return Fault.EXPIRED
        now = posture(glimpse, self._baseline)
        self._resting = self._resting + 1 if now.resting else 0
        # (2)
        action = self.current
        if action is None or self._asked_s is None:
            return None
        # (3)
        since_s = glimpse.at_s - self._asked_s
        if since_s <= 0:
            return None
        self._window.append(glimpse)
        # (4)
        doing = next((one for one in Action if one is not action and now.clearly(one)), None)
        if doing is not None and doing is not self._wrong_now:
            self._wrong += 1
        self._wrong_now = doing if doing is not None else (None if now.resting else self._wrong_now)
        if self._wrong > MAX_WRONG:
            return Fault.WRONG_ACTION
        # (5)
        if now.performs(action):
            return self._performing(action, glimpse.at_s, since_s)
        if now.rests_from(action):
            if action in SWINGS and self._began_s is not None and glimpse.at_s - self._began_s > SWING_S:
                self._finish()
            else:
                self._rested, self._began_s = True, None
        return None

    def _performing(self, action: Action, at_s: float, since_s: float) -> Fault | None:
        if since_s < REACTION_S:
            if action is not Action.BLINK:
                return Fault.TOO_FAST
            self._rested = False  # a reflex: everybody blinks every few seconds. It doesn't count.
        if not self._rested:
            return None  # it began before it was asked for, and doesn't count
        if self._began_s is None:
            self._began_s = at_s
        elif action not in SWINGS and at_s - self._began_s >= HOLD_S:
            self._finish()
        return None

    def _finish(self) -> None:
        self._windows.append(tuple(self._window))
        self._done += 1
        self._asked_s, self._resting = None, 0
