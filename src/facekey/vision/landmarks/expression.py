"""Expression: what eyes and mouth do, from the mesh.

The eye ratio is that of Soukupova and Cech, "Real-Time Eye Blink Detection using Facial
Landmarks", CVWW 2016, taken in three dimensions so that turning the head changes it less.
"""

import numpy as np

from facekey.core.types import Expression, FaceMesh, Floats

# Mesh points: (outer corner, inner corner, two of the upper lid, the two below them).
RIGHT_EYE = (33, 133, (160, 158), (144, 153))
LEFT_EYE = (263, 362, (387, 385), (373, 380))
MOUTH_CORNERS = (61, 291)
INNER_LIPS = (13, 14)
MIN_SPAN_PX = 1e-3  # a mesh that has collapsed to a point must not divide by zero


def read_expression(mesh: FaceMesh) -> Expression:
    """What the face of this mesh does."""
    points = mesh.points  # (468, 3)
    mouth = _span(points, *MOUTH_CORNERS)
    return Expression(
        right_eye=_eye(points, *RIGHT_EYE),
        left_eye=_eye(points, *LEFT_EYE),
        mouth_open=_span(points, *INNER_LIPS) / mouth,
        mouth_width=mouth / _span(points, RIGHT_EYE[0], LEFT_EYE[0]),
    )


def _eye(points: Floats, outer: int, inner: int, upper: tuple[int, int], lower: tuple[int, int]) -> float:
    heights = [_span(points, above, below) for above, below in zip(upper, lower, strict=True)]
    return sum(heights) / len(heights) / _span(points, outer, inner)


def _span(points: Floats, one: int, other: int) -> float:
    return max(float(np.linalg.norm(points[one] - points[other])), MIN_SPAN_PX)
