"""Posture: what a face does, measured from how the same face looks at rest.

People differ more from each other than from themselves, so nothing here is absolute. The
lines come from real faces: the Yale faces (15 people; neutral, happy, sleepy, ...) and the
live clips of the spoof data; see docs/streaming.md for the figures.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from facekey.core.challenge import Action
from facekey.core.types import Glimpse, Lids

TURN_DEG = 18.0
NOD_DEG = 7.0  # the mesh sees about half of a pitch
CLEAR_NOD_DEG = 11.0
SHUT = 0.65  # in parts of the open eye. Sleepy faces: 13 of 15 below; happy ones: none below 0.72
SMILE = 1.12  # in parts of the resting mouth. Happy faces: all 15 above 1.14; sad ones: all below 1.09

REST_TURN_DEG = 9.0
REST_NOD_DEG = 5.0
REST_SHUT = 0.80
REST_SMILE = 1.08

STRAIGHT_DEG = 15.0  # of yaw and of pitch, at rest
STEADY_DEG = 8.0
BASELINE_FRAMES = 6
BASELINE_S = 0.5
BASELINE_WINDOW_S = 1.5


@dataclass(frozen=True, slots=True)
class Baseline:
    """A face at rest, looking at the camera."""

    yaw_deg: float
    pitch_deg: float
    eyes: float
    mouth_width: float


@dataclass(frozen=True, slots=True)
class Posture:
    """How far a face is from its rest.

    Attributes:
        yaw_deg: positive to the subject's own left.
        pitch_deg: positive upwards.
        eyes: opening of the eyes, 1 at rest.
        mouth: width of the mouth, 1 at rest.
    """

    yaw_deg: float
    pitch_deg: float
    eyes: float
    mouth: float

    @property
    def frontal(self) -> bool:
        """Whether eyes and mouth are seen well enough to be judged."""
        return abs(self.yaw_deg) < TURN_DEG and abs(self.pitch_deg) < NOD_DEG

    @property
    def resting(self) -> bool:
        """Whether the face does nothing at all."""
        return (
            abs(self.yaw_deg) <= REST_TURN_DEG
            and abs(self.pitch_deg) <= REST_NOD_DEG
            and self.eyes >= REST_SHUT
            and self.mouth <= REST_SMILE
        )

    def performs(self, action: Action) -> bool:
        """Whether the face is in the middle of this action."""
        match action:
            case Action.BLINK:
                return self.frontal and self.eyes < SHUT
            case Action.SMILE:
                return self.frontal and self.mouth > SMILE
            case Action.TURN_LEFT:
                return self.yaw_deg > TURN_DEG
            case Action.TURN_RIGHT:
                return self.yaw_deg < -TURN_DEG
            case _:
                return abs(self.yaw_deg) < TURN_DEG and self.pitch_deg < -NOD_DEG

    def clearly(self, action: Action) -> bool:
        """Whether the face does what nobody does by chance. Blinks and smiles come unasked."""
        match action:
            case Action.TURN_LEFT | Action.TURN_RIGHT:
                return self.performs(action)
            case Action.NOD:
                # Whoever turns the head lowers it a little on the way.
                return abs(self.yaw_deg) <= REST_TURN_DEG and self.pitch_deg < -CLEAR_NOD_DEG
            case _:
                return False

    def rests_from(self, action: Action) -> bool:
        """Whether the face has left this action behind."""
        match action:
            case Action.BLINK:
                return self.eyes >= REST_SHUT
            case Action.SMILE:
                return self.mouth <= REST_SMILE
            case Action.TURN_LEFT | Action.TURN_RIGHT:
                return abs(self.yaw_deg) <= REST_TURN_DEG
            case _:
                return abs(self.pitch_deg) <= REST_NOD_DEG


def straight(glimpse: Glimpse) -> bool:
    """Whether the person looks about at the camera."""
    quality = glimpse.evidence.quality
    return max(abs(quality.yaw_deg), abs(quality.pitch_deg)) <= STRAIGHT_DEG


def find_baseline(glimpses: Sequence[Glimpse]) -> tuple[Baseline, tuple[Glimpse, ...]] | None:
    """The resting face in the latest frames, and those frames.

    Args:
        glimpses: in the order of their times; the last one and a half seconds count.

    Returns:
        None while there are too few frames, or while the person doesn't hold still or
        doesn't look at the camera.
    """
    recent = [one for one in glimpses if one.at_s > glimpses[-1].at_s - BASELINE_WINDOW_S]
    # What came before the person looked away is over.
    for place in range(len(recent) - 1, -1, -1):
        if not straight(recent[place]):
            recent = recent[place + 1 :]
            break
    if len(recent) < BASELINE_FRAMES or recent[-1].at_s - recent[0].at_s < BASELINE_S:
        return None
    yaws = [one.evidence.quality.yaw_deg for one in recent]
    pitches = [one.evidence.quality.pitch_deg for one in recent]
    if max(max(yaws) - min(yaws), max(pitches) - min(pitches)) > STEADY_DEG:
        return None
    baseline = Baseline(
        yaw_deg=statistics.median(yaws),
        pitch_deg=statistics.median(pitches),
        eyes=statistics.median(lids_of(one).both for one in recent),
        mouth_width=statistics.median(one.expression.mouth_width for one in recent),
    )
    return baseline, tuple(recent)


def posture(glimpse: Glimpse, baseline: Baseline) -> Posture:
    """What the face does, measured from its rest."""
    quality = glimpse.evidence.quality
    return Posture(
        yaw_deg=quality.yaw_deg - baseline.yaw_deg,
        pitch_deg=quality.pitch_deg - baseline.pitch_deg,
        eyes=lids_of(glimpse).both / baseline.eyes,
        mouth=glimpse.expression.mouth_width / baseline.mouth_width,
    )


def lids_of(glimpse: Glimpse) -> Lids:
    """The eyes of a frame of a stream.

    Raises:
        ValueError: nobody looked at them. Unknown is not open.
    """
    if glimpse.lids is None:
        raise ValueError("a frame whose eyes were not looked at can't answer a challenge")
    return glimpse.lids
