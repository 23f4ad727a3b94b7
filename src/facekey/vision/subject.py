"""Subject: which of the faces in a picture is the one to judge."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from facekey.core.errors import SampleRejected
from facekey.core.types import Detection, Reason

FACE_ASPECT = 1.4  # long side of a face box in short sides


@dataclass(frozen=True, slots=True)
class SubjectPolicy:
    """When one face of several is clearly meant.

    Attributes:
        min_score: a weaker detection is no second person; background patterns give such.
        dominance: how many times more prominent than the next face the subject's must be.
            Someone as near to the camera as the subject could be who is really asking. At
            1.0 the most prominent face is always taken.
        reach: distance from the middle of the picture, as a part of its sides, at which a
            face counts for 1/e of its area: people hold their own face into the middle.
    """

    min_score: float = 0.8
    dominance: float = 2.0
    reach: float = 0.35


def choose_subject(
    faces: Sequence[Detection], frame_size: tuple[int, int], policy: SubjectPolicy
) -> Detection:
    """The face that is clearly the most prominent: large, and near the middle.

    Args:
        faces: all that were found.
        frame_size: (height, width) in pixels.
        policy: what is clear.

    Raises:
        SampleRejected: there is no face, or none that clearly stands out.
    """
    if not faces:
        raise SampleRejected(Reason.NO_FACE)
    sure = [face for face in faces if face.score >= policy.min_score] or list(faces)
    ranked = sorted(
        ((_prominence(face, frame_size, policy), face) for face in sure), key=lambda pair: -pair[0]
    )
    (most, subject), *others = ranked
    if others and most < policy.dominance * others[0][0]:
        raise SampleRejected(Reason.MULTIPLE_FACES)
    return subject


def clear_subject(
    faces: Sequence[Detection], frame_size: tuple[int, int], policy: SubjectPolicy, *, unseen: float
) -> Detection | None:
    """The face that would be chosen whatever small faces were not seen; None when they could matter.

    Args:
        faces: all that were found.
        frame_size: (height, width) in pixels.
        policy: what is clear.
        unseen: shorter side, in pixels, of the largest face that may not have been found.
            It might be in the very middle, where a face counts most.
    """
    try:
        subject = choose_subject(faces, frame_size, policy)
    except SampleRejected:
        return None
    enough = policy.dominance * FACE_ASPECT * unseen**2
    return subject if _prominence(subject, frame_size, policy) >= enough else None


def _prominence(face: Detection, frame_size: tuple[int, int], policy: SubjectPolicy) -> float:
    height, width = frame_size
    across = (face.box.x1 + face.box.x2) / (2 * width) - 0.5
    down = (face.box.y1 + face.box.y2) / (2 * height) - 0.5
    return face.box.area * math.exp(-(across**2 + down**2) / policy.reach**2)
