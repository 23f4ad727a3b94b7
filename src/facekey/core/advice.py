"""Advice: for each reason, what the person in front of the camera can do about it."""

from collections.abc import Mapping

from facekey.core.types import Reason

ADVICE: Mapping[Reason, str] = {
    Reason.LIVE_MATCH: "Nothing to do: you were recognised.",
    Reason.NO_MATCH: "Check that you gave the right user name, then try again.",
    Reason.SPOOF_SUSPECTED: "Show your own face to the camera, with no photo, screen or mask, and try again.",
    Reason.NO_FACE: "Bring your face into the picture.",
    Reason.MULTIPLE_FACES: "Make sure that only you are in the picture.",
    Reason.FACE_TOO_SMALL: "Come closer to the camera.",
    Reason.FACE_CUT_OFF: "Move so that your whole face is in the picture.",
    Reason.TURNED_AWAY: "Turn towards the camera.",
    Reason.TOO_DARK: "Find more light, or turn your face to it.",
    Reason.TOO_BRIGHT: "Step out of the bright light.",
    Reason.LOW_CONTRAST: "Find clearer light, and wipe the camera lens.",
    Reason.BLURRED: "Hold still, and let the camera focus.",
    Reason.OCCLUDED: "Uncover your face: take off a mask and move hands and hair away.",
    Reason.FACE_LOST: "Keep your face in the picture until the end, and start again.",
    Reason.CHALLENGE_FAILED: "Start again, and do each action once, only after it is asked for.",
    Reason.CHALLENGE_EXPIRED: "Start again, and do each action as soon as it is asked for.",
}
"""One sentence for every reason; a test checks that none is missing."""


def advice(reason: Reason) -> str:
    """What to do about a reason, in one sentence."""
    return ADVICE[reason]
