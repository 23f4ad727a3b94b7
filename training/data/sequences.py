"""Sequences: windows of recordings, as the temporal network is shown them.

From each recording many windows are cut: of another length, at another frame rate, with
frames lost, seen in a mirror. Real clips of unknown rate are played faster and slower.
Drawn people are given mimic. What the liveness network says is made up at training time
(see `doubtful_cnn`): it is trained again more often than this one, so this one must not
lean on how exactly it scores.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from facekey.core.types import FaceMesh, Floats
from facekey.vision.landmarks.expression import read_expression
from facekey.vision.liveness.motion import FaceSeries, features, recent, tells_something
from training.data.mimic import with_blinks, with_mimic
from training.data.recording import Recording

WINDOW_S = (1.2, 5.0)
FPS = (3.0, 30.0)
LOST = (0.0, 0.25)  # share of frames that never arrive
TEMPO = (0.6, 1.8)  # how much faster or slower a clip of unknown rate may have been
UNKNOWN_RATE = "run"  # names of recordings whose frames came without times begin with it
DRAWN = "drawn"
TRIES = 6


@dataclass(frozen=True, slots=True)
class Window:
    """One example.

    Attributes:
        source: whom it leaves together with.
        attack: empty for live.
        drawn: made from a photo, and not filmed.
        rows: (T, F) float32; its last column is still empty.
    """

    source: str
    live: bool
    attack: str
    drawn: bool
    rows: Floats = field(repr=False)


def windows(recordings: Iterable[Recording], *, of_each: int, seed: int) -> list[Window]:
    """Cut windows; recordings too short or too still for one give none."""
    cut = []
    for number, recording in enumerate(recordings):
        rng = np.random.default_rng([seed, number])
        for _ in range(of_each):
            series = _some_window(recording, rng)
            if series is not None:
                drawn = recording.name.startswith(DRAWN)
                rows = features(series)
                cut.append(Window(recording.source, recording.live, recording.attack, drawn, rows))
    return cut


def series_of(
    recording: Recording, places: NDArray[np.intp], live: NDArray[np.float64] | None = None
) -> FaceSeries:
    """These frames of a recording, as the service would gather them.

    Args:
        recording: where from.
        places: which frames.
        live: (len(places),), the liveness network's scores; undecided when left out.
    """
    return _series(
        recording.at_s[places],
        recording.points[places],
        recording.poses[places].astype(np.float64),
        recording.lids[places],
        np.full(len(places), 0.5) if live is None else live,
    )


def doubtful_cnn(live: bool, count: int, rng: Generator) -> Floats:
    """Made-up scores of a liveness network that is often right, often wrong, and often absent.

    In half of the sequences it says nothing about the label at all.

    Returns:
        (count,) float32 log-odds / 4, as in the last column of the features.
    """
    if rng.random() < 0.25:
        return np.zeros(count, np.float32)
    lean = 0.0 if rng.random() < 0.34 else (1.3 if live else -1.3)
    odds = rng.normal(lean, 1.5) + rng.normal(0.0, rng.uniform(0.1, 0.9), count)
    return (np.clip(odds, -3.9, 3.9) / 4.0).astype(np.float32)


def _some_window(recording: Recording, rng: Generator) -> FaceSeries | None:
    tempo = float(np.exp(rng.uniform(*np.log(TEMPO)))) if recording.name.startswith(UNKNOWN_RATE) else 1.0
    at_s = recording.at_s / tempo
    for _ in range(TRIES):
        length = rng.uniform(*WINDOW_S)
        start = rng.uniform(at_s[0], max(at_s[0], at_s[-1] - length) + 1e-9)
        kept = _received(at_s, start, start + length, rng)
        if len(kept) < 2:
            continue
        points, turns = recording.points[kept], recording.poses[kept].astype(np.float64)
        lids = recording.lids[kept]
        if recording.live and recording.name.startswith(DRAWN):
            points = with_mimic(points, at_s[kept], rng)
            lids = with_blinks(lids, at_s[kept], rng)
        series = _series(at_s[kept], points, turns, lids, np.full(len(kept), 0.5))
        if rng.random() < 0.5:
            series = _mirrored(series)
        if tells_something(series):
            return series.at(recent(series.at_s))
    return None


def _received(at_s: NDArray[np.float64], start: float, end: float, rng: Generator) -> NDArray[np.intp]:
    """The frames of a window that arrive at some other frame rate, some lost on the way."""
    inside = np.flatnonzero((at_s >= start) & (at_s <= end))
    gap = float(np.exp(-rng.uniform(*np.log(FPS)))) * 0.9
    kept, last = [], -np.inf
    for place in inside:
        if at_s[place] - last >= gap:
            kept.append(place)
            last = at_s[place]
    lost = rng.random(len(kept)) < rng.uniform(*LOST)
    return np.array(kept, np.intp)[~lost] if kept else np.zeros(0, np.intp)


def _series(
    at_s: NDArray[np.float64],
    points: Floats,
    turns: NDArray[np.float64],
    lids: Floats,
    live: NDArray[np.float64],
) -> FaceSeries:
    shapes = [read_expression(FaceMesh(mesh, 1.0)) for mesh in points]
    mouths = np.array([[shape.mouth_open, shape.mouth_width] for shape in shapes])
    return FaceSeries(at_s, points, np.concatenate([lids, mouths], axis=1).astype(np.float64), turns, live)


def _mirrored(series: FaceSeries) -> FaceSeries:
    points = series.points * np.array([-1.0, 1.0, 1.0], np.float32)
    swapped = series.eyes_and_mouth[:, [1, 0, 2, 3]]
    return FaceSeries(
        series.at_s, points, swapped, series.turn_deg * np.array([-1.0, 1.0, -1.0]), series.live
    )


def sources(cut: Sequence[Window]) -> list[str]:
    """All sources, sorted."""
    return sorted({window.source for window in cut})
