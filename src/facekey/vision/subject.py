"""Subject: which of the faces in a picture is the one to judge."""

from collections.abc import Sequence
from dataclasses import dataclass

from facekey.core.errors import SampleRejected
from facekey.core.types import Detection, Reason


@dataclass(frozen=True, slots=True)
class SubjectPolicy:
    """When one face of several is clearly meant.

    Attributes:
        min_score: a weaker detection is no second person; background patterns give such.
        dominance: how many times larger than the next face the subject's must be. Someone
            as near to the camera as the subject could be who is really asking.
    """

    min_score: float = 0.8
    dominance: float = 2.0


def choose_subject(faces: Sequence[Detection], policy: SubjectPolicy) -> Detection:
    """The face that is clearly nearest to the camera.

    Raises:
        SampleRejected: there is no face, or none that is clearly the nearest.
    """
    if not faces:
        raise SampleRejected(Reason.NO_FACE)
    sure = [face for face in faces if face.score >= policy.min_score] or list(faces)
    first, *others = sorted(sure, key=lambda face: face.box.area, reverse=True)
    if others and first.box.area < policy.dominance * others[0].box.area:
        raise SampleRejected(Reason.MULTIPLE_FACES)
    return first
