"""Motion: what a face does over several frames, as the features of the temporal network.

The service and training use this one file, so they can't drift apart. Every feature is
measured against moments that lie a set time back, never against the frame before, so that
3 and 30 frames a second give the same picture of the same movement; and against the face
itself, so that distance, place and the person's own features drop out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats, Glimpse
from facekey.vision.liveness.fits import after_affine, after_homography, after_similarity, sizes

FEATURES = (
    "seconds since the frame before",
    "right eye, log of its share of the usual opening",
    "left eye, the same",
    "mouth opening, above the usual",
    "mouth width, above the usual",
    "yaw, above the usual",
    "pitch, above the usual",
    "roll, above the usual",
    "left over by a rigid head, short lag",
    "left over by an affine motion, short lag",
    "left over by a flat sheet, short lag",
    "left over by a rigid head, long lag",
    "left over by an affine motion, long lag",
    "left over by a flat sheet, long lag",
    "depth gain, short lag",
    "depth gain, long lag",
    "log-odds of the liveness network",
)
"""The columns, in order."""

WINDOW_S = 5.0  # what lies further back no longer counts
MAX_FRAMES = 100  # more are thinned out evenly
MIN_FRAMES = 8
MIN_SPAN_S = 0.9
STILL = 1e-3  # faces: what moves less is one picture shown again, without even a camera's noise

UNSEEN_EYES = (0.25, 0.25)  # what open eyes measure

_LAGS_S = (0.3, 1.2)
_EVERY_FIFTH = slice(0, None, 5)  # 94 of the mesh's 468 points say as much as all
_FLOOR = 1e-4  # of a residual, before its logarithm
_CENTRE = 2.3  # -log10 of a typical residual
_TURN_DEG = 15.0
_EYE_FLOOR = 0.02
_CNN_EDGE = 0.02  # log-odds of +-4: one picture never says more here


@dataclass(frozen=True, slots=True)
class FaceSeries:
    """One face over T frames.

    Attributes:
        at_s: (T,) seconds, rising.
        points: (T, 468, 3), the mesh in frame pixels.
        eyes_and_mouth: (T, 4): right and left eye as in `core.types.Lids`, mouth opening and
            mouth width as in `core.types.Expression`.
        turn_deg: (T, 3): yaw, pitch, roll.
        live: (T,), what the liveness network said of each frame, 0..1.
    """

    at_s: NDArray[np.float64]
    points: Floats = field(repr=False)
    eyes_and_mouth: NDArray[np.float64] = field(repr=False)
    turn_deg: NDArray[np.float64] = field(repr=False)
    live: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, glimpses: Sequence[Glimpse]) -> "FaceSeries":
        """Gather what a stream's frames say. Eyes that nobody looked at count as always open."""
        shapes = [UNSEEN_EYES if g.lids is None else (g.lids.right, g.lids.left) for g in glimpses]
        mouths = [(g.expression.mouth_open, g.expression.mouth_width) for g in glimpses]
        turns = [
            (g.evidence.quality.yaw_deg, g.evidence.quality.pitch_deg, g.evidence.quality.roll_deg)
            for g in glimpses
        ]
        return cls(
            at_s=np.array([g.at_s for g in glimpses]),
            points=np.stack([g.mesh.points for g in glimpses]),
            eyes_and_mouth=np.concatenate([shapes, mouths], axis=1),
            turn_deg=np.array(turns),
            live=np.array([g.evidence.liveness.score for g in glimpses]),
        )

    def __len__(self) -> int:
        return len(self.at_s)

    def at(self, places: NDArray[np.intp]) -> "FaceSeries":
        """Only these frames."""
        return FaceSeries(
            self.at_s[places],
            self.points[places],
            self.eyes_and_mouth[places],
            self.turn_deg[places],
            self.live[places],
        )


def recent(at_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which frames count: those of the last `WINDOW_S`, thinned to `MAX_FRAMES`; (T,) -> (K,)."""
    places = np.flatnonzero(at_s >= at_s[-1] - WINDOW_S)
    if len(places) <= MAX_FRAMES:
        return places
    return places[np.linspace(0, len(places) - 1, MAX_FRAMES).round().astype(np.intp)]


def tells_something(series: FaceSeries) -> bool:
    """Whether there are enough frames, over enough time, and not one picture shown over and over."""
    if len(series) < MIN_FRAMES or series.at_s[-1] - series.at_s[0] < MIN_SPAN_S:
        return False
    flat = series.points[:, _EVERY_FIFTH, :2].astype(np.float64)
    moved = np.sqrt(np.square(flat - flat[0]).sum(axis=-1).mean(axis=-1)) / sizes(flat)
    return bool(moved.max() > STILL)


def features(series: FaceSeries) -> Floats:
    """The network's input: (T, len(FEATURES)) float32."""
    usual = np.median(series.eyes_and_mouth, axis=0)
    eyes = np.log(
        np.maximum(series.eyes_and_mouth[:, :2], _EYE_FLOOR) / np.maximum(usual[:2], 2 * _EYE_FLOOR)
    )
    mouth = (series.eyes_and_mouth[:, 2:] - usual[2:]) * (3.0, 5.0)
    turns = (series.turn_deg - np.median(series.turn_deg, axis=0)) / _TURN_DEG
    since = np.clip(np.diff(series.at_s, prepend=series.at_s[0]), 0.0, 1.0)
    bounded = np.clip(series.live, _CNN_EDGE, 1.0 - _CNN_EDGE)
    columns = [since[:, None] * 4.0, eyes, mouth, turns]
    gains = []
    for lag_s in _LAGS_S:
        left_over, gain = _left_over(series, lag_s)
        columns.append(left_over)
        gains.append(gain)
    columns += [*gains, np.log(bounded / (1.0 - bounded))[:, None] / 4.0]
    result: Floats = np.clip(np.concatenate(columns, axis=1), -5.0, 5.0).astype(np.float32)
    return result


def _left_over(series: FaceSeries, lag_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each kind of motion leaves over between each frame and one `lag_s` before it.

    Returns:
        (T, 3), logarithms; and (T, 1), by how much depth explains more than a flat sheet.
    """
    back = _frame_before(series.at_s, lag_s)
    points = series.points[:, _EVERY_FIFTH].astype(np.float64)
    before, after = points[back], points
    rigid = after_similarity(before, after)
    sheet = after_homography(before[..., :2], after[..., :2])
    rows = np.stack([rigid, after_affine(before[..., :2], after[..., :2]), sheet], axis=1)
    logs = np.log10(rows + _FLOOR) + _CENTRE
    # The first frames have nothing before them: neither much nor little is left over.
    logs[back == np.arange(len(back))] = 0.0
    return logs, logs[:, 2:] - logs[:, :1]


def _frame_before(at_s: NDArray[np.float64], lag_s: float) -> NDArray[np.intp]:
    """For each frame the one nearest to `lag_s` before it; the frame itself where there is none."""
    wanted = at_s - lag_s
    after = np.clip(np.searchsorted(at_s, wanted), 0, len(at_s) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(at_s[before] - wanted) <= np.abs(at_s[after] - wanted), before, after)
    return np.minimum(nearest, np.arange(len(at_s)))
