import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facekey.core.types import Crop, Detection, FaceMesh, Floats, Frame, Quality, Reason
from facekey.vision.align import FIVE_POINTS
from facekey.vision.quality.gate import QualityPolicy, assess
from facekey.vision.quality.measures import measure, ramp
from facekey.vision.quality.pose import CANONICAL_FACE, STABLE_POINTS, head_pose, yaw_of_points
from tests.unit.vision.faces import detection_at

FRAME = Frame(np.zeros((480, 640, 3), np.uint8))
FACE = detection_at(200, 150, 120)


def drawn_face(*, light: float = 1.0, blur: float = 0.0, mask: bool = False) -> Crop:
    """A drawn face with eyes, nose, lips and skin texture, 112 px."""
    picture = np.full((112, 112), 150.0, np.float32)
    cv2.ellipse(picture, (56, 66), (42, 54), 0, 0, 360, 180.0, -1)
    for x in (38, 74):
        cv2.ellipse(picture, (x, 52), (9, 4), 0, 0, 360, 60.0, -1)
        cv2.ellipse(picture, (x, 42), (11, 2), 0, 0, 360, 90.0, -1)
    cv2.line(picture, (56, 52), (53, 72), 140.0, 2)
    cv2.ellipse(picture, (56, 92), (16, 4), 0, 0, 360, 100.0, -1)
    picture += np.random.default_rng(0).normal(0, 6, picture.shape).astype(np.float32)
    if mask:
        picture[66:] = 205
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur).astype(np.float32)
    grey = np.clip(picture * light, 0, 255).astype(np.uint8)
    return Crop(np.repeat(grey[..., None], 3, axis=2), "identity", np.eye(2, 3, dtype=np.float32))


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """The turn of a head by signs as in `Quality`, written out axis by axis."""
    yaw, pitch, roll = (math.radians(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    about_y = np.array([[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]]
    )
    about_z = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    turn: NDArray[np.float64] = about_z @ about_y @ about_x
    return turn


def mesh_of(
    yaw_deg: float = 0, pitch_deg: float = 0, roll_deg: float = 0, *, at: tuple[float, float] = (260, 240)
) -> FaceMesh:
    points: Floats = np.tile(np.array([*at, 0], np.float32), (468, 1))
    turned = 50 * CANONICAL_FACE @ rotation(yaw_deg, pitch_deg, roll_deg).T
    points[list(STABLE_POINTS)] += turned.astype(np.float32)
    return FaceMesh(points, presence=1.0)


def judged(
    crop: Crop | None = None,
    *,
    face: Detection = FACE,
    mesh: FaceMesh | None = None,
    policy: QualityPolicy | None = None,
) -> Quality:
    return assess(FRAME, face, mesh or mesh_of(), crop or drawn_face(), policy or QualityPolicy())


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (25, 0, 0), (-40, 0, 0), (0, 20, 0), (0, -15, 0), (0, 0, 170), (20, -10, -35)]
)
def test_pose_is_read_off_the_mesh(angles: tuple[float, float, float]) -> None:
    pose = head_pose(mesh_of(*angles), FIVE_POINTS)
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx(angles, abs=0.1)


def test_signs_of_pose() -> None:
    # The nose tip moves right in the picture when the subject turns to their own left.
    nose = STABLE_POINTS.index(4)
    assert (rotation(30, 0, 0) @ CANONICAL_FACE[nose])[0] > 0
    # It moves up when the subject looks up; y grows downwards.
    level = (CANONICAL_FACE[nose])[1]
    assert (rotation(0, 30, 0) @ CANONICAL_FACE[nose])[1] < level
    # Tilting to the subject's left shoulder turns the head clockwise in the picture.
    forehead = STABLE_POINTS.index(10)
    assert (rotation(0, 0, 30) @ CANONICAL_FACE[forehead])[0] > 0


def test_profiles_are_believed_of_the_points() -> None:
    profile = FIVE_POINTS.copy()
    profile[2, 0] = profile[1, 0] + 20  # the nose is beyond the left eye
    assert yaw_of_points(profile) > 50
    assert head_pose(mesh_of(20), profile).yaw_deg > 50
    assert yaw_of_points(FIVE_POINTS) == pytest.approx(0, abs=2)


def test_a_good_capture_has_no_reasons() -> None:
    quality = judged()
    assert quality.reasons == ()
    assert quality.overall > 0.8


@pytest.mark.parametrize(
    ("reason", "quality"),
    [
        (Reason.TOO_DARK, judged(drawn_face(light=0.2))),
        (Reason.TOO_BRIGHT, judged(drawn_face(light=3.0))),
        (Reason.BLURRED, judged(drawn_face(blur=6))),
        (Reason.OCCLUDED, judged(drawn_face(mask=True))),
        (Reason.OCCLUDED, judged(mesh=replace(mesh_of(), presence=0.1))),
        (Reason.TURNED_AWAY, judged(mesh=mesh_of(53))),
        (Reason.TURNED_AWAY, judged(mesh=mesh_of(0, -35))),
        (Reason.FACE_TOO_SMALL, judged(face=detection_at(300, 200, 39))),
        (Reason.FACE_CUT_OFF, judged(mesh=mesh_of(at=(-200, 240)))),
        (Reason.FACE_CUT_OFF, judged(face=detection_at(-40, 100, 120))),
        (
            Reason.LOW_CONTRAST,
            judged(Crop(np.full((112, 112, 3), 128, np.uint8), "identity", np.eye(2, 3, dtype=np.float32))),
        ),
    ],
)
def test_each_fault_has_its_reason(reason: Reason, quality: Quality) -> None:
    assert reason in quality.reasons
    assert quality.overall < 0.8


def test_a_tilted_head_is_no_fault() -> None:
    assert judged(mesh=mesh_of(0, 0, 80)).reasons == ()


def test_a_profile_is_turned_away_not_covered() -> None:
    assert judged(mesh=replace(mesh_of(55), presence=0.01)).reasons == (Reason.TURNED_AWAY,)


def test_the_worst_comes_first() -> None:
    quality = judged(drawn_face(light=0.05), mesh=mesh_of(55))
    assert quality.reasons[0] in (Reason.TOO_DARK, Reason.LOW_CONTRAST)
    assert quality.reasons[-1] is Reason.TURNED_AWAY


def test_a_stricter_policy_refuses_more() -> None:
    assert judged(policy=QualityPolicy(min_face_px=200)).reasons == (Reason.FACE_TOO_SMALL,)


def test_overall_follows_every_score() -> None:
    best = judged().overall
    for worse in (
        judged(drawn_face(blur=2.5)),
        judged(drawn_face(light=0.45)),
        judged(mesh=mesh_of(35)),
        judged(face=detection_at(200, 150, 50)),
    ):
        assert worse.overall < best
        assert worse.reasons == ()


def test_sharpness_does_not_depend_on_light() -> None:
    assert measure(drawn_face(light=0.4)).sharpness == pytest.approx(measure(drawn_face()).sharpness, abs=0.1)


def test_measures_do_not_depend_on_crop_size() -> None:
    crop = drawn_face(blur=1.0)
    pixels = cv2.resize(crop.pixels, (224, 224), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    large = replace(crop, pixels=pixels)
    assert measure(large).sharpness == pytest.approx(measure(crop).sharpness, abs=0.1)
    assert measure(large).luminance == pytest.approx(measure(crop).luminance, abs=0.01)


@pytest.mark.parametrize(("value", "score"), [(0, 0.0), (2, 0.0), (3, 0.5), (4, 1.0), (9, 1.0)])
def test_ramp_both_ways(value: float, score: float) -> None:
    assert ramp(value, 2, 4) == score
    assert ramp(-value, -2, -4) == score
