"""Gate: whether a capture can be judged, and if not, what to mend first."""

from dataclasses import dataclass

import numpy as np

from facekey.core.types import Crop, Detection, FaceMesh, Frame, Quality, Reason
from facekey.vision.quality.measures import measure, ramp
from facekey.vision.quality.pose import head_pose

FAR_PX, NEAR_PX = 20.0, 90.0  # face widths that score 0 and 1; 112 px crops gain little beyond
FRONTAL_DEG, AVERTED_DEG = 12.0, 65.0  # turns that score 1 and 0
WEAKEST_LINK = 0.5  # how much the worst score counts beside the mean of all


@dataclass(frozen=True, slots=True)
class QualityPolicy:
    """The least that a capture must have. Stricter is allowed, for example at enrolment.

    The defaults let through 99 of 100 press photos and most webcam pictures: they refuse what
    recognition and liveness detection can't judge, not what merely looks bad.

    Attributes:
        min_face_px: narrower side of the face box. Below it a 112 px crop is mostly
            interpolation, and recognition errors rise steeply.
        min_sharpness: score of `quality.measures`. Faces blurred with a sigma of 4 % of
            their width fall below it.
        min_luminance: mean brightness of the face, 0..1. Well-lit dark skin is above 0.2.
        max_luminance: beyond it most of the face is burnt out.
        min_contrast: score of `quality.measures`; fog, backlight through a dirty lens.
        max_yaw_deg: further turned, one half of the face is not seen.
        max_pitch_deg: the mesh sees only about half of a nod, so this is less than it seems.
        min_bareness: score of `quality.measures`; masks and hands over the mouth.
        min_presence: what the mesh network must be sure of.
        max_outside: part of the mesh that may lie beyond the frame's edge. Half a face
            can still be compared; what is hidden of it is the other half.
    """

    min_face_px: float = 40.0
    min_sharpness: float = 0.28
    min_luminance: float = 0.18
    max_luminance: float = 0.88
    min_contrast: float = 0.17
    max_yaw_deg: float = 52.0
    max_pitch_deg: float = 34.0
    min_bareness: float = 0.5
    min_presence: float = 0.3
    max_outside: float = 0.5


def assess(frame: Frame, detection: Detection, mesh: FaceMesh, crop: Crop, policy: QualityPolicy) -> Quality:
    """Measure a face and hold it against the policy.

    Args:
        frame: the picture.
        detection: the face in it.
        mesh: of that face.
        crop: identity crop of that face.
        policy: what is required.
    """
    pose = head_pose(mesh, detection.landmarks)
    seen = measure(crop)
    face_px = min(detection.box.width, detection.box.height)
    outside = 1.0 if _feature_outside(frame, detection) else _outside(frame, mesh)

    # How far each measure is past its limit; the furthest is mended first.
    excess = {
        Reason.FACE_TOO_SMALL: 1 - face_px / policy.min_face_px,
        Reason.FACE_CUT_OFF: outside / policy.max_outside - 1,
        Reason.TOO_DARK: 1 - seen.luminance / policy.min_luminance,
        Reason.TOO_BRIGHT: seen.luminance / policy.max_luminance - 1,
        Reason.LOW_CONTRAST: 1 - seen.contrast / policy.min_contrast,
        Reason.BLURRED: 1 - seen.sharpness / policy.min_sharpness,
        Reason.TURNED_AWAY: max(
            abs(pose.yaw_deg) / policy.max_yaw_deg, abs(pose.pitch_deg) / policy.max_pitch_deg
        )
        - 1,
        Reason.OCCLUDED: max(
            1 - seen.bareness / policy.min_bareness, 1 - mesh.presence / policy.min_presence
        ),
    }
    # A profile hides half of the mouth and lies outside of what the mesh knows: it is
    # turned away, not covered.
    if excess[Reason.TURNED_AWAY] > 0:
        excess[Reason.OCCLUDED] = 0.0
    reasons = sorted((reason for reason, by in excess.items() if by > 0), key=lambda reason: -excess[reason])

    averted = max(abs(pose.yaw_deg), abs(pose.pitch_deg))
    scores = (
        seen.sharpness,
        seen.brightness,
        seen.contrast,
        min(seen.bareness, mesh.presence),
        ramp(averted, AVERTED_DEG, FRONTAL_DEG),
        ramp(face_px, FAR_PX, NEAR_PX),
        1 - outside,
    )
    return Quality(
        sharpness=seen.sharpness,
        brightness=seen.brightness,
        contrast=seen.contrast,
        occlusion=min(seen.bareness, mesh.presence),
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        roll_deg=pose.roll_deg,
        face_px=face_px,
        overall=WEAKEST_LINK * min(scores) + (1 - WEAKEST_LINK) * sum(scores) / len(scores),
        reasons=tuple(reasons),
    )


def _outside(frame: Frame, mesh: FaceMesh) -> float:
    """Part of the mesh points beyond the frame's edge."""
    height, width = frame.size
    x, y = mesh.points[:, 0], mesh.points[:, 1]
    return float(np.mean((x < 0) | (x > width) | (y < 0) | (y > height)))


def _feature_outside(frame: Frame, detection: Detection) -> bool:
    """Whether an eye, the nose or a mouth corner lies beyond the frame's edge."""
    height, width = frame.size
    x, y = detection.landmarks[:, 0], detection.landmarks[:, 1]
    return bool(np.any((x < 0) | (x > width) | (y < 0) | (y > height)))
