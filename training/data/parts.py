"""Parts: what each part of liveness says of a window of a recording it was not trained on."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.core.ports.vision import LivenessNetwork
from facekey.core.types import Crop, Frame, ModelId
from facekey.vision.align import context_crop
from facekey.vision.liveness.motion import features, recent, tells_something
from facekey.vision.liveness.parallax import Parallax, View, measure
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo
from training.data.filmed import clip_frames, read_picture
from training.data.layout import discover
from training.data.recording import Recording
from training.data.runs import find_runs, thumbnails
from training.data.sequences import DRAWN, UNKNOWN_RATE, series_of
from training.left_out import mean_odds, networks_without

FRAMES, TEMPORAL, PARALLAX = "frames", "temporal", "parallax"

WINDOW_S, STEP_S = 3.0, 1.5
MIN_FRAMES = 12
MAX_WINDOWS = 8  # of one recording
CNN_FRAMES = 10  # of a window are shown to the liveness network


@dataclass(frozen=True, slots=True)
class Parts:
    """One window and what was said of it; None where a part says nothing.

    Attributes:
        group: which sources leave together with its own.
        frames: of the liveness network; None for drawn windows, whose pixels mean nothing to it.
    """

    group: str
    source: str
    live: bool
    attack: str
    drawn: bool
    frames: float | None
    temporal: float | None
    parallax: Parallax | None


def windows_of(recording: Recording) -> list[NDArray[np.intp]]:
    """Which frames belong to each window, at most `MAX_WINDOWS` spread over the recording."""
    at_s = recording.at_s
    starts = np.arange(at_s[0], max(at_s[-1] - WINDOW_S, at_s[0]) + 1e-6, STEP_S)
    kept = starts[np.unique(np.linspace(0, len(starts) - 1, MAX_WINDOWS).astype(int))]
    found = [np.flatnonzero((at_s >= start) & (at_s <= start + WINDOW_S)) for start in kept]
    return [places for places in found if len(places) >= MIN_FRAMES]


class PartsReader:
    """Asks the parts. Networks trained without a source are asked about it, where there are any."""

    def __init__(
        self,
        *,
        clips: Path,
        pictures: Path,
        models_dir: Path,
        liveness_without: Path | None,
        temporal_run: Path,
        groups: Sequence[frozenset[str]],
    ) -> None:
        """Take the places of everything.

        Args:
            clips: what `record_sequences.py` was given.
            pictures: the same.
            models_dir: cache of networks.
            liveness_without: `--output_dir` of combine_liveness.py.
            temporal_run: `--output_dir` of train_temporal.py.
            groups: sources that left together there.
        """
        self._clips, self._sets = clips, {found.name: found for found in discover(pictures)}
        self._zoo = Zoo(cache_dir=models_dir)
        self._liveness_without, self._temporal_run = liveness_without, temporal_run
        self._groups = groups
        self._saw_it: set[str] = set()
        self._liveness = cache(self._open_liveness)
        self._temporal_without = cache(self._open_temporal)
        self._runs = cache(self._find_runs)

    def read(self, recording: Recording, places: NDArray[np.intp]) -> Parts:
        """What every part says of these frames."""
        drawn = recording.name.startswith(DRAWN)
        return Parts(
            group=self.group_of(recording.source),
            source=recording.source,
            live=recording.live,
            attack=recording.attack,
            drawn=drawn,
            frames=None if drawn else self._frames(recording, places),
            temporal=self._temporal(recording, places),
            parallax=measure(
                [
                    View.of(
                        float(recording.at_s[place]),
                        recording.patches[place],
                        recording.to_frame[place],
                        recording.points[place],
                    )
                    for place in places
                ]
            ),
        )

    def group_of(self, source: str) -> str:
        """The fold that a source is judged in; photos are spread over all folds."""
        if source.startswith("photo-"):
            number = hashlib.sha256(source.encode()).digest()[0] % len(self._groups)
            return _name(self._groups[number])
        return next((_name(group) for group in self._groups if source in group), f"without-{source}")

    def warn(self, say: Callable[[str], None]) -> None:
        """Tell which sources the liveness network that was asked had been trained on."""
        if self._saw_it:
            names = ", ".join(sorted(self._saw_it))
            say(f"asked the shipped liveness network about sets that it saw: {names}")

    def _frames(self, recording: Recording, places: NDArray[np.intp]) -> float:
        some = places[np.unique(np.linspace(0, len(places) - 1, CNN_FRAMES).astype(int))]
        networks = self._liveness(recording.source)
        wanted = {int(recording.index[place]): int(place) for place in some}
        cut: dict[int, list[Crop]] = {network.crop_px: [] for network in networks}
        for index, frame in self._frames_of(recording, sorted(wanted)):
            for crop_px, crops in cut.items():
                crops.append(context_crop(frame, recording.detection(wanted[index]), crop_px=crop_px))
        return float(0.5 * (1 + np.tanh(mean_odds(networks, cut) / 2)))

    def _frames_of(self, recording: Recording, indices: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        label = "live" if recording.live else "spoof"
        if recording.name.startswith(UNKNOWN_RATE):
            runs, paths = self._runs(recording.source, recording.live)
            run = runs[int(recording.name.removeprefix(UNKNOWN_RATE))]
            for index in indices:
                yield index, read_picture(paths[run[index]])
            return
        path = next(self._clips.glob(f"{recording.source}/{label}.*"))
        for index, (_, frame) in enumerate(clip_frames(path)):
            if index in indices:
                yield index, frame

    def _find_runs(self, source: str, live: bool) -> tuple[list[NDArray[np.intp]], list[Path]]:
        paths = [picture.path for picture in self._sets[source].pictures if picture.live == live]
        return find_runs(thumbnails(paths)), paths

    def _open_liveness(self, source: str) -> list[LivenessNetwork]:
        networks, unseen = networks_without(self._liveness_without, source, self._zoo)
        if not unseen:
            self._saw_it.add(source)
        return networks

    def _temporal(self, recording: Recording, places: NDArray[np.intp]) -> float | None:
        series = series_of(recording, places)
        series = series.at(recent(series.at_s))
        if not tells_something(series):
            return None
        session, slope, intercept = self._temporal_without(self.group_of(recording.source))
        (logits,) = session.run(np.ascontiguousarray(features(series)[None]))
        return float(0.5 * (1 + np.tanh((slope * float(logits[0, 0]) + intercept) / 2)))

    def _open_temporal(self, group: str) -> tuple[OnnxSession, float, float]:
        report = json.loads((self._temporal_run / "report.json").read_text(encoding="utf-8"))
        path = self._temporal_run / group / "liveness_temporal.onnx"
        if not path.is_file():
            path = self._temporal_run / "liveness_temporal.onnx"
        session = OnnxSession(path.read_bytes(), model_id=ModelId(group))
        return session, report["calibration"]["a"], report["calibration"]["b"]


def _name(group: frozenset[str]) -> str:
    return "without-" + "-".join(sorted(group))
