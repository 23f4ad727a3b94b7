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
    Reason.VOICE_MATCH: "Nothing to do: your voice was recognised.",
    Reason.VOICE_NO_MATCH: "Speak as you did when your voice was enrolled, alone and in a quiet room.",
    Reason.VOICE_NOT_COMPARED: "The face comes first: try again with your face in the picture.",
    Reason.VOICE_NOT_ENROLLED: "Nothing to do: no voice is asked of you.",
    Reason.VOICE_NOT_HEARD: "Speak: no voice was heard. Music, noise and tones are none.",
    Reason.VOICE_SILENT: "Switch the microphone on: the recording is silent.",
    Reason.VOICE_TOO_SHORT: "Speak for at least three seconds.",
    Reason.VOICE_TOO_QUIET: "Speak louder, or come closer to the microphone.",
    Reason.VOICE_TOO_NOISY: "Go where it is quieter, or come closer to the microphone.",
    Reason.VOICE_CLIPPED: "Move away from the microphone, or turn it down: the recording is distorted.",
    Reason.VOICE_TELEPHONE: "Record without a telephone or a wireless headset: it cuts your voice off.",
}
"""One sentence for every reason; a test checks that none is missing."""


def advice(reason: Reason) -> str:
    """What to do about a reason, in one sentence."""
    return ADVICE[reason]
