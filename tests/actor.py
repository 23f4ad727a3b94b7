"""An actor: a puppet that does what it is told, as fast as a person would."""

import math
import secrets
from dataclasses import dataclass, field

from facekey.core.challenge import Action
from tests.puppet import DOING, REST, Framing, Pose, Puppet

REACT_S, MOVE_S, HOLD_S = 0.45, 0.25, 0.6


def _somewhere() -> Framing:
    place = secrets.SystemRandom()
    return Framing(place.uniform(0.85, 1.15), place.uniform(-50, 50), place.uniform(-25, 25))


@dataclass
class Actor:
    """Plays the person in front of the camera.

    Attributes:
        react_s: from a prompt to the first movement.
        instead: what it does when another action is asked for.
    """

    puppet: Puppet
    react_s: float = REACT_S
    instead: dict[Action, Action] = field(default_factory=dict)
    seat: Framing = field(default_factory=_somewhere)
    _action: Action | None = None
    _told_s: float = 0.0
    _frames: int = field(default_factory=lambda: secrets.randbits(48))

    def told(self, action: Action, now_s: float) -> None:
        """A prompt was read."""
        self._action, self._told_s = self.instead.get(action, action), now_s

    def pose(self, now_s: float) -> Pose:
        """What the face does now."""
        if self._action is None:
            return REST
        since_s = now_s - self._told_s - self.react_s
        end_s = MOVE_S + HOLD_S + MOVE_S
        part = max(0.0, min(1.0, since_s / MOVE_S, (end_s - since_s) / MOVE_S))
        return Pose(*(part * height for height in DOING[self._action]))

    def frame(self, now_s: float) -> bytes:
        """What the camera sees now; no two frames are the same."""
        self._frames += 1
        # Nobody holds still: people sway a little, and each time they sit down elsewhere.
        sway = 5.0 * math.sin(2.1 * now_s), 3.0 * math.sin(1.3 * now_s)
        framing = Framing(self.seat.zoom, self.seat.right_px + sway[0], self.seat.down_px + sway[1])
        return self.puppet.frame(self.pose(now_s), seed=self._frames, framing=framing)
