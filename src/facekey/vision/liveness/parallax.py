"""Parallax: does a flat sheet explain how the face's texture moved, or does it take depth?

Corners in the skin, the brows and the lips are followed from frame to frame (Lucas and
Kanade, "An Iterative Image Registration Technique", IJCAI 1981; Shi and Tomasi, "Good
Features to Track", CVPR 1994). A photo, however it is held, moves them by a homography. A
head that turns moves what is near the camera, such as the nose, more than what is far, which
to first order is an affine motion plus one direction times depth. Both have eight
parameters, so neither fits better for having more; depth is taken from the face mesh.

The mesh's own points can't be used for this: the network was taught what faces look like
and draws a tilted photo as a turned head. Measured in docs/liveness.md.

It is blind to a replayed *video*: the person in it had depth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ModelError
from facekey.core.types import Floats, Glimpse, ModelId, Pixels

MODEL = ModelId("parallax:1")

LAGS_S = (0.25, 0.5, 1.0)  # a fast turn loses its corners over the long ones, a slow one needs them
LAG_TOLERANCE_S = 0.12
PAIRS = 10  # of each lag, spread over the window
MIN_PAIRS = 3  # fewer are an anecdote
WINDOW_S = 5.0

CORNERS, CORNER_QUALITY, CORNER_GAP_PX = 120, 0.005, 4
MIN_TRACKS = 25
RETURN_PX = 0.4  # a corner followed there and back must come home this closely
EDGE_PX = 7  # corners at the outline belong to what is behind the face
TRACKING_PX = (13, 13)
MIN_SHIFT_PX = 0.12  # what affine motion leaves over; less than this is the tracker's own noise
MAX_GAIN = 0.8

ROBUST_ROUNDS = 5
ROBUST_WIDTH = 2.0  # in deviations: corners further off count less and less (Cauchy)
FAR_OFF = 4.0  # in deviations; a corner that was lost is this far off, wherever it went
MIN_DEVIATION = 1e-4


@dataclass(frozen=True, slots=True)
class View:
    """One frame: the face's patch, and the mesh in the patch's own pixels.

    Attributes:
        at_s: seconds.
        patch: (S, S) uint8, grey.
        mesh: (468, 3) float64, x and y in patch pixels, z in the same unit.
    """

    at_s: float
    patch: Pixels = field(repr=False)
    mesh: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, at_s: float, patch: Pixels, to_frame: Floats, points: Floats) -> "View":
        """Bring a mesh in frame pixels into the patch.

        Args:
            at_s: seconds.
            patch: (S, S) uint8.
            to_frame: (2, 3), patch to frame; it doesn't turn.
            points: (468, 3), the mesh in frame pixels.
        """
        scale = float(to_frame[0, 0])
        mesh = points.astype(np.float64) / scale
        mesh[:, :2] -= to_frame[:, 2] / scale
        return cls(at_s, patch, mesh)


@dataclass(frozen=True, slots=True)
class Parallax:
    """What the texture's motion says.

    Attributes:
        depth_gain: natural log of how much less depth leaves over than a flat sheet does;
            above 0 for a head, below for a sheet. 0 when neither is better.
        shift_px: root mean square of what affine motion leaves over, in patch pixels; from
            this comes all that is known.
        pairs: of frames that could be compared.
    """

    depth_gain: float
    shift_px: float
    pairs: int


class ParallaxLiveness:
    """Implements `core.ports.vision.SequenceNetwork` without a network. Holds no state."""

    def __init__(self, *, slope: float, intercept: float) -> None:
        """Take Platt's calibration of the depth gain; it lies beside the fusion's weights.

        Raises:
            ModelError: it would turn live into attack.
        """
        if not (np.isfinite(intercept) and np.isfinite(slope) and slope > 0):
            raise ModelError(f"{MODEL}: the calibration {slope}, {intercept} is none")
        self._slope, self._intercept = slope, intercept

    @property
    def model_id(self) -> ModelId:
        """Name of the method; there are no weights."""
        return MODEL

    def score(self, glimpses: Sequence[Glimpse]) -> float | None:
        """The calibrated probability, 0..1, that the face has depth.

        Args:
            glimpses: of one person, in the order of their times. The last seconds count.

        Returns:
            None when the frames have no patches, share too few corners, or hardly moved.
        """
        found = measure(views_of(glimpses))
        if found is None or found.shift_px < MIN_SHIFT_PX:
            return None
        return probability(found, slope=self._slope, intercept=self._intercept)


def probability(found: Parallax, *, slope: float, intercept: float) -> float:
    """Calibrated, 0..1; gains beyond `MAX_GAIN` say nothing more."""
    gain = float(np.clip(found.depth_gain, -MAX_GAIN, MAX_GAIN))
    # tanh is the logistic function that can't overflow (Platt, 1999).
    return 0.5 * (1.0 + float(np.tanh((slope * gain + intercept) / 2.0)))


def measure(views: Sequence[View]) -> Parallax | None:
    """Compare frames of the last seconds; None when too few pairs of them can be compared."""
    found = [left for before, after in _pairs(views) if (left := _compare(before, after)) is not None]
    if len(found) < MIN_PAIRS:
        return None
    rows = np.array(found)  # (K, 3): mean squares left over by affine, sheet, depth
    # Pairs in which nothing but affine motion happened say nothing either way: each counts
    # by how much the better of the two explains beyond it.
    gain = np.log(rows[:, 1] / rows[:, 2])
    counts = np.log(rows[:, 0] / rows[:, 1:].min(axis=1)).clip(1e-6)
    return Parallax(
        depth_gain=float((gain * counts).sum() / counts.sum()),
        shift_px=float(np.sqrt(np.median(rows[:, 0]))),
        pairs=len(rows),
    )


def views_of(glimpses: Sequence[Glimpse]) -> list[View]:
    """The frames that still have their patch."""
    return [
        View.of(glimpse.at_s, glimpse.patch.pixels, glimpse.patch.to_frame, glimpse.mesh.points)
        for glimpse in glimpses
        if glimpse.patch is not None
    ]


def _pairs(views: Sequence[View]) -> Iterator[tuple[View, View]]:
    if not views:
        return
    at_s = np.array([view.at_s for view in views])
    first = int(np.searchsorted(at_s, at_s[-1] - WINDOW_S))
    starts = np.unique(np.linspace(first, len(views) - 1, PAIRS).astype(int))
    for lag_s in LAGS_S:
        for start in starts:
            other = int(np.argmin(np.abs(at_s - at_s[start] - lag_s)))
            if other > start and abs(at_s[other] - at_s[start] - lag_s) <= LAG_TOLERANCE_S:
                yield views[start], views[other]


def _compare(before: View, after: View) -> tuple[float, float, float] | None:
    """Mean squares, in patch pixels, that affine motion, a sheet and depth leave over."""
    tracks = _follow(before, after)
    if tracks is None:
        return None
    here, there = tracks  # (K, 2) twice
    depth = _depth_at(here, before.mesh)
    size = max(float(np.sqrt(np.square(here - here.mean(axis=0)).sum(axis=1).mean())), 1.0)
    a, b = (here - here.mean(axis=0)) / size, (there - here.mean(axis=0)) / size
    plane = np.column_stack([a, np.ones(len(a))])
    solid = np.column_stack([plane, (depth - depth.mean()) / size])
    affine, sheet, head = _robust_linear(plane, b), _robust_sheet(a, b), _robust_linear(solid, b)
    floor = MIN_DEVIATION**2
    return tuple(max(left, floor) * size**2 for left in (affine, sheet, head))  # type: ignore[return-value]


def _follow(before: View, after: View) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Corners of the face in one patch, and where they are in the other; in pixels of the first.

    Patches follow the face box, so a point's place in the second is carried back by what is
    the same for all points anyway: only shape matters here.
    """
    outline = cv2.convexHull(before.mesh[:, :2].astype(np.float32)).astype(np.int32)
    mask = np.zeros(before.patch.shape, np.uint8)
    cv2.fillConvexPoly(mask, outline, 255)
    mask = cv2.erode(mask, np.ones((EDGE_PX, EDGE_PX), np.uint8)).astype(np.uint8)
    corners = cv2.goodFeaturesToTrack(before.patch, CORNERS, CORNER_QUALITY, CORNER_GAP_PX, mask=mask)
    if corners is None or len(corners) < MIN_TRACKS:
        return None
    start = corners.astype(np.float32)  # (K, 1, 2)
    # The meshes' own motion, as far as it is affine, is where to begin looking.
    rows = np.column_stack([before.mesh[:, :2], np.ones(len(before.mesh))])
    motion, *_ = np.linalg.lstsq(rows, after.mesh[:, :2], rcond=None)
    guess = (np.column_stack([start[:, 0], np.ones(len(start))]) @ motion).astype(np.float32)[:, None]
    there, found = _flow(before.patch, after.patch, start, guess)
    back, returned = _flow(after.patch, before.patch, there, start)
    home = np.linalg.norm(back - start, axis=2)[:, 0] < RETURN_PX
    kept = (found[:, 0] == 1) & (returned[:, 0] == 1) & home
    if kept.sum() < MIN_TRACKS:
        return None
    return start[kept, 0].astype(np.float64), there[kept, 0].astype(np.float64)


def _flow(before: Pixels, after: Pixels, points: Floats, guess: Floats) -> tuple[Floats, Pixels]:
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        points,
        guess.copy(),
        winSize=TRACKING_PX,
        maxLevel=2,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return moved.astype(np.float32, copy=False), found.astype(np.uint8, copy=False)


def _depth_at(places: NDArray[np.float64], mesh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth of the mesh at places in the picture, from the four nearest points: (K, 2) -> (K,)."""
    away = np.square(places[:, None] - mesh[None, :, :2]).sum(axis=2)  # (K, 468)
    nearest = np.argpartition(away, 4, axis=1)[:, :4]
    weight = 1.0 / (np.take_along_axis(away, nearest, axis=1) + 0.5)
    result: NDArray[np.float64] = (mesh[nearest, 2] * weight).sum(axis=1) / weight.sum(axis=1)
    return result


def _robust_linear(rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Mean square left over by the best linear map, outliers held back: (K, C), (K, 2)."""
    weight = np.ones(len(rows))
    for _ in range(ROBUST_ROUNDS):
        root = np.sqrt(weight)[:, None]
        map_, *_ = np.linalg.lstsq(rows * root, wanted * root, rcond=None)
        off = np.linalg.norm(wanted - rows @ map_, axis=1)
        weight, bounded = _reweighted(off)
    return float(np.square(bounded).mean())


def _robust_sheet(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """The same for the best homography (K, 2) -> (K, 2), by its geometric error."""
    x, y, u, v = *before.T, *after.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows_u = np.column_stack([x, y, one, zero, zero, zero, -u * x, -u * y])
    rows_v = np.column_stack([zero, zero, zero, x, y, one, -v * x, -v * y])
    weight, depth = np.ones(len(x)), np.ones(len(x))
    for _ in range(ROBUST_ROUNDS):
        # Dividing each row by its depth turns the algebraic error into the one in the picture.
        root = (np.sqrt(weight) / depth)[:, None]
        rows = np.concatenate([rows_u * root, rows_v * root])
        wanted = np.concatenate([u * root[:, 0], v * root[:, 0]])
        entries, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
        depth = np.maximum(1.0 + before @ entries[6:], 0.1)
        plane = np.column_stack([before, one])
        seen = np.column_stack([plane @ entries[:3], plane @ entries[3:6]]) / depth[:, None]
        off = np.linalg.norm(after - seen, axis=1)
        weight, bounded = _reweighted(off)
    return float(np.square(bounded).mean())


def _reweighted(off: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    deviation = max(1.4826 * float(np.median(off)), MIN_DEVIATION)
    weight = 1.0 / (1.0 + np.square(off / (ROBUST_WIDTH * deviation)))
    return weight, np.minimum(off, FAR_OFF * deviation)
