"""Pose: which way a head is turned, from the mesh and the five points."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import FaceMesh, Floats

STABLE_POINTS = (168, 6, 197, 195, 4, 10, 151, 33, 133, 129, 127, 234, 263, 362, 358, 356, 454)
"""Mesh points that speech and mimic hardly move: nose, forehead, eye corners, temples."""

CANONICAL_FACE: NDArray[np.float64] = np.array(
    [
        [0.000, -0.173, -0.370],
        [0.000, -0.029, -0.449],
        [0.000, 0.103, -0.538],
        [0.000, 0.223, -0.634],
        [0.000, 0.508, -0.777],
        [0.000, -1.027, -0.301],
        [0.000, -0.747, -0.362],
        [-0.823, -0.104, 0.036],
        [-0.313, -0.075, -0.061],
        [-0.383, 0.564, -0.237],
        [-1.285, -0.035, 0.944],
        [-1.271, 0.220, 1.033],
        [0.823, -0.104, 0.036],
        [0.313, -0.075, -0.061],
        [0.383, 0.564, -0.237],
        [1.285, -0.035, 0.944],
        [1.271, 0.220, 1.033],
    ]
)
"""`STABLE_POINTS` of a face that looks straight ahead: (17, 3), middle 0, mean radius 1.

The median over 500 photographed faces and their mirror images, brought over each other by
generalised Procrustes analysis. Straight ahead is what those faces do on average.
"""

PROFILE_SLOPE = 1.6
"""How the nose moves from between the eyes as the head turns: tan(yaw) = 1.6 x the shift
in eye distances. Fits the mesh's yaw on photographs up to 30 degrees."""

PROFILE_MARGIN_DEG = 10.0
"""The mesh was trained on faces turned less than about 45 degrees and draws a profile as
a half turn. Where the five points see this much more yaw than the mesh, they are believed."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A head's turn in degrees, signs as in `core.types.Quality`."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def head_pose(mesh: FaceMesh, landmarks: Floats) -> Pose:
    """Which way the head is turned.

    The mesh's stable points are brought over the canonical face by the rotation that fits
    best (Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976),
    and the rotation is read as roll, then yaw, then pitch.

    Args:
        mesh: of the face.
        landmarks: (5, 2), the detector's points of the same face.
    """
    points = mesh.points[list(STABLE_POINTS)].astype(np.float64)  # (17, 3)
    points -= points.mean(axis=0)
    left, _, right = np.linalg.svd(points.T @ CANONICAL_FACE)
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = (left * mirror) @ right  # (3, 3), canonical to seen

    yaw_deg = math.degrees(math.asin(float(np.clip(turn[2, 0], -1, 1))))
    seen_deg = yaw_of_points(landmarks)
    if abs(seen_deg) > abs(yaw_deg) + PROFILE_MARGIN_DEG:
        yaw_deg = seen_deg
    return Pose(
        yaw_deg=yaw_deg,
        pitch_deg=-math.degrees(math.atan2(turn[2, 1], turn[2, 2])),
        roll_deg=math.degrees(math.atan2(turn[1, 0], turn[0, 0])),
    )


def yaw_of_points(landmarks: Floats) -> float:
    """A coarse yaw in degrees from how far the nose tip is from between the eyes.

    Args:
        landmarks: (5, 2).
    """
    right, left, nose = landmarks[0], landmarks[1], landmarks[2]
    across = left - right
    span = max(float(across @ across), 1e-6)
    shift = float((nose - (left + right) / 2) @ across) / span  # in eye distances
    return math.degrees(math.atan(PROFILE_SLOPE * shift))
