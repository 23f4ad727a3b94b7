"""What a live session tells its client after each frame."""

from dataclasses import dataclass
from enum import StrEnum

from facekey.core.challenge import Action
from facekey.core.types import Decision, Reason, Region


class Step(StrEnum):
    """What a frame led to."""

    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    GUIDANCE = "guidance"
    CHALLENGE = "challenge"
    PROGRESS = "progress"
    DECIDED = "decided"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One action that is asked for now.

    Attributes:
        number: 1 for the first.
        expires_in_s: until the whole challenge must be answered.
    """

    challenge_id: str
    action: Action
    number: int
    total: int
    expires_in_s: float


@dataclass(frozen=True, slots=True)
class Update:
    """What to tell the client after a frame.

    Attributes:
        reason: with `no_face`, `multiple_faces` and `guidance`; None asks for a resting face.
        prompt: with `challenge`.
        progress: 0..1, with `progress`.
        decision: with `decided`.
        face: where the face that was judged is; None when none was.
    """

    step: Step
    reason: Reason | None = None
    prompt: Prompt | None = None
    progress: float = 0.0
    decision: Decision | None = None
    face: Region | None = None
