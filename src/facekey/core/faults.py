"""Faults: why a stream was refused before anybody was compared.

The whole truth goes on record. A client is told what helps an honest person and no more: an
attacker must not learn which of the checks caught them.
"""

from collections.abc import Mapping
from enum import StrEnum

from facekey.core.types import Reason


class Fault(StrEnum):
    """What was wrong with a stream, as it goes on record."""

    REPLAYED = "frames_replayed"
    REPEATED = "frames_repeated"
    REORDERED = "frames_reordered"
    TIME_BACKWARDS = "time_backwards"
    FACE_JUMPED = "face_jumped"
    OTHER_FACE = "other_face"
    FACE_LOST = "face_lost"
    TOO_FAST = "too_fast"
    WRONG_ACTION = "wrong_action"
    FOREIGN_CHALLENGE = "foreign_challenge"
    EXPIRED = "expired"
    CHALLENGE_USED = "challenge_used"


PUBLIC: Mapping[Fault, Reason] = {
    Fault.REPLAYED: Reason.SPOOF_SUSPECTED,
    Fault.REPEATED: Reason.SPOOF_SUSPECTED,
    Fault.REORDERED: Reason.SPOOF_SUSPECTED,
    Fault.TIME_BACKWARDS: Reason.SPOOF_SUSPECTED,
    Fault.FACE_JUMPED: Reason.SPOOF_SUSPECTED,
    Fault.OTHER_FACE: Reason.SPOOF_SUSPECTED,
    Fault.FACE_LOST: Reason.FACE_LOST,
    Fault.TOO_FAST: Reason.CHALLENGE_FAILED,
    Fault.WRONG_ACTION: Reason.CHALLENGE_FAILED,
    Fault.FOREIGN_CHALLENGE: Reason.CHALLENGE_FAILED,
    Fault.EXPIRED: Reason.CHALLENGE_EXPIRED,
    Fault.CHALLENGE_USED: Reason.CHALLENGE_EXPIRED,
}
"""What the client is told; a test checks that none is missing."""
