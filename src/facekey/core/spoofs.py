"""Spoof attempts: what is kept of one for those who look into it."""

from dataclasses import dataclass, field
from datetime import datetime

from facekey.core.faults import PUBLIC
from facekey.core.types import Reason, SubjectId

SPOOF_REASONS: tuple[str, ...] = (
    str(Reason.SPOOF_SUSPECTED),
    *(str(fault) for fault, told in PUBLIC.items() if told is Reason.SPOOF_SUSPECTED),
)
"""Reasons on record of whatever a client was told to be a suspected spoof."""

MOST_OF_A_PERSON = 20


@dataclass(frozen=True, slots=True)
class SpoofCase:
    """A decision on record, and the picture that it rests on.

    Attributes:
        sequence: of the decision's audit record.
        subject_id: who was claimed.
        image: the encoded picture; of a stream, its last frame.
        known: there may be somebody of that id. Of nobody nothing is kept.
        enrolment: whom it was compared with; None when nobody was.
    """

    sequence: int
    subject_id: SubjectId
    at: datetime
    image: bytes = field(repr=False)
    known: bool = True
    enrolment: str | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is kept of a picture.

    Attributes:
        depth: PNG, 8-bit grey, near is bright; None without a face.
        photo: JPEG; None where photos are not kept.
    """

    depth: bytes | None = field(repr=False)
    photo: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpoofEvidence:
    """What was kept of one attempt."""

    sequence: int
    subject_id: SubjectId
    at: datetime
    drawn: Drawn
