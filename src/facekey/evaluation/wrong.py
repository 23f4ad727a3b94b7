"""What is wrong with data that was given to an evaluation."""

from facekey.core.errors import RequestInvalid


def unusable(message: str) -> RequestInvalid:
    """The one error of an evaluation's data; its sentence names the place and the mend."""
    return RequestInvalid("evaluation_unreadable", message)
