"""Clips of people and of attacks through the whole stream pipeline: who is accepted?

Protocol: every frame goes through `Pipeline.glimpse` as a JPEG, at its own time, at the
clip's own frame rate. Frames that the quality gate refuses are counted and left out, and a
face that jumps or is gone for a second begins anew, as in a stream. `SequenceJudge` says its
score at the end of the longest stretch of one face (that is the clip's verdict), and for each
window of 3 s, moved on by 1.5 s. A clip is accepted when its score reaches the threshold; a
part passes from 0.5 on, and not when it says nothing.

Whoever was trained on a clip's set can't be asked about it. `--liveness-without` names a
run of training/combine_liveness.py, `--temporal-without` the run of training/train_temporal.py;
where the network of a set is missing, the shipped one is asked and the line says "saw it".

Then photos are held up, shaken, zoomed, turned, tilted and bent before the same pipeline.
The liveness network can't judge drawn frames, since they show a good photo and no screen or
paper, so what counts there are movement and parallax, and the fused score with the liveness
network undecided.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from facekey.core.errors import SampleRejected
from facekey.core.types import Frame, Glimpse, ModelId
from facekey.settings import default_models_dir
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.vision.geometry import overlap
from facekey.vision.landmarks.eyelids import EyelidReader
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.liveness.parallax import ParallaxLiveness
from facekey.vision.liveness.temporal import TemporalLiveness
from facekey.vision.pipeline import Pipeline
from facekey.vision.sequence import FRAMES, SequenceJudge
from facekey.wiring.vision import open_detector
from facekey.zoo.fusion import FusionFile, read_fusion
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo
from training.data.filmed import clip_frames
from training.data.rendered import ATTACKS, brought_to_frame, moved_picture
from training.evaluate.interval import clopper_pearson
from training.left_out import networks_without

JPEG_QUALITY = 92
WINDOW_S, STEP_S = 3.0, 1.5
LEAST_S, LEAST_FRAMES = 2.0, 8
SAME_FACE = 0.3  # overlap of the boxes of one face in two frames
LOST_S = 1.0
TEMPORAL, PARALLAX = "temporal", "parallax"
DRAWN, DRAWN_FPS, DRAWN_S = 42, 12.0, 3.0
FOREIGN_SEED = 20_000  # so that none of these is a sequence that training drew

Parts = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a clip's frames.

    Attributes:
        stretches: frames of one face without a break.
        refused: how often each reason sent a frame back.
    """

    frames: int
    stretches: tuple[tuple[Glimpse, ...], ...]
    refused: Counter[str]


class Stream:
    """The stream pipeline, with networks that were not trained on a set where there are such."""

    def __init__(self, zoo: Zoo, liveness_without: Path | None, temporal_without: Path | None) -> None:
        """Load what all clips share."""
        self._zoo = zoo
        self._liveness_without, self._temporal_without = liveness_without, temporal_without
        self.file: FusionFile = read_fusion()

    def pipeline(self, source: str) -> tuple[Pipeline, bool]:
        """The pipeline for clips of a set, and whether its liveness network never saw that set."""
        networks, unseen = networks_without(self._liveness_without, source, self._zoo)
        pipeline = Pipeline(
            detector=open_detector(self._zoo),
            landmarker=FaceMeshLandmarker(self._zoo.open("facemesh")),
            embedders=[mobilefacenet_embedder(self._zoo.open("mobilefacenet"))],
            liveness=networks,
            eyes=EyelidReader(self._zoo.open("iris")),
        )
        return pipeline, unseen

    def networks(self, source: str) -> tuple[dict[str, TemporalLiveness | ParallaxLiveness], bool]:
        """Movement and parallax for clips of a set, and whether the first never saw that set."""
        card = self._zoo.card("liveness_temporal")
        if card.sequence is None:
            raise ValueError("the card of the temporal network has no calibration")
        slope, intercept = card.sequence.slope, card.sequence.intercept
        folders = sorted(self._temporal_without.glob("without-*")) if self._temporal_without else []
        left_out = [folder for folder in folders if source in folder.name.split("-")]
        if left_out and self._temporal_without:
            path = left_out[0] / "liveness_temporal.onnx"
            session = OnnxSession(path.read_bytes(), model_id=ModelId(left_out[0].name))
            report = json.loads((self._temporal_without / "report.json").read_text())
            slope, intercept = report["calibration"]["a"], report["calibration"]["b"]
        else:
            session = self._zoo.open("liveness_temporal")
        return {
            TEMPORAL: TemporalLiveness(session, slope=slope, intercept=intercept),
            PARALLAX: ParallaxLiveness(
                slope=self.file.parallax_slope, intercept=self.file.parallax_intercept
            ),
        }, bool(left_out)


def main(data: Path, liveness_without: Path | None, temporal_without: Path | None) -> None:
    """Measure and print."""
    print(__doc__)
    cv2.setNumThreads(1)
    stream = Stream(Zoo(cache_dir=default_models_dir()), liveness_without, temporal_without)
    print(f"threshold {stream.file.fusion.threshold:.3f}")
    windows: list[tuple[bool, Parts, float]] = []
    for path in sorted((data / "pad_video").glob("*/*")):
        windows += _clip(stream, path, source=path.parent.name, live=path.stem == "live")
    short = data / "people" / "short_clip.mp4"
    if short.exists():
        # Nobody was trained on it. Several people, cuts and small faces: no one sits before a camera.
        windows += _clip(stream, short, source="people", live=True)
    _rates("windows of 3 s of the clips", windows, stream)
    _drawn(stream, data)


def _clip(stream: Stream, path: Path, *, source: str, live: bool) -> list[tuple[bool, Parts, float]]:
    pipeline, unseen = stream.pipeline(source)
    networks, temporal_unseen = stream.networks(source)
    judge = SequenceJudge(networks, stream.file.fusion)
    seen = _watch(pipeline, clip_frames(path))
    kept = sum(map(len, seen.stretches))
    name = f"{path.parent.name}/{path.name}"
    note = "" if unseen and temporal_unseen else ", saw it" if source != "people" else ""
    refused = ", ".join(f"{count} {reason}" for reason, count in seen.refused.most_common())
    print(f"\n{name}: {'live' if live else 'attack'}{note}; {kept} of {seen.frames} frames judged; {refused}")
    long_enough = [stretch for stretch in seen.stretches if _tells(stretch)]
    if not long_enough:
        print("  refused: no face was held long enough to be judged")
        return []
    longest = max(long_enough, key=len)
    score, parts = _judged(judge, networks, longest)
    accepted = score >= judge.threshold
    print(f"  {'accepted' if accepted else 'refused'}, {_written(score, parts)}, {_span(longest):.1f} s")
    rows = []
    for stretch in long_enough:
        for window in _windows(stretch):
            window_score, window_parts = _judged(judge, networks, window)
            rows.append((live, window_parts, window_score))
    passed = sum(score >= judge.threshold for _, _, score in rows)
    print(f"  windows of 3 s accepted: {passed} of {len(rows)}")
    return rows


def _watch(pipeline: Pipeline, frames: Iterable[tuple[float, Frame]]) -> Seen:
    glimpses: list[Glimpse] = []
    refused: Counter[str] = Counter()
    count = 0
    for at_s, frame in frames:
        count += 1
        try:
            glimpses.append(pipeline.glimpse(_jpeg(frame), at_s))
        except SampleRejected as rejection:
            refused[rejection.reason] += 1
    stretches: list[list[Glimpse]] = [[]]
    for before, after in pairwise([None, *glimpses]):
        if after is None:
            continue
        if before is not None and not _same_face(before, after):
            stretches.append([])
        stretches[-1].append(after)
    return Seen(count, tuple(tuple(stretch) for stretch in stretches if stretch), refused)


def _same_face(before: Glimpse, after: Glimpse) -> bool:
    boxes = [
        np.array([[box.x1, box.y1, box.x2, box.y2]], np.float32)
        for box in (before.evidence.detection.box, after.evidence.detection.box)
    ]
    return after.at_s - before.at_s < LOST_S and float(overlap(*boxes)[0, 0]) > SAME_FACE


def _windows(stretch: Sequence[Glimpse]) -> Iterator[tuple[Glimpse, ...]]:
    last = max(stretch[-1].at_s - WINDOW_S, stretch[0].at_s)
    for start in np.arange(stretch[0].at_s, last + 1e-6, STEP_S):
        window = tuple(one for one in stretch if start <= one.at_s <= start + WINDOW_S)
        if _tells(window):
            yield window


def _tells(glimpses: Sequence[Glimpse]) -> bool:
    return len(glimpses) >= LEAST_FRAMES and _span(glimpses) >= LEAST_S


def _span(glimpses: Sequence[Glimpse]) -> float:
    return glimpses[-1].at_s - glimpses[0].at_s


def _judged(
    judge: SequenceJudge,
    networks: dict[str, TemporalLiveness | ParallaxLiveness],
    glimpses: Sequence[Glimpse],
) -> tuple[float, Parts]:
    found = judge.judge(glimpses)
    names = {FRAMES: ModelId(FRAMES)} | {name: network.model_id for name, network in networks.items()}
    return found.score, {name: found.parts.get(model) for name, model in names.items()}


def _written(score: float, parts: Parts) -> str:
    said = ", ".join(
        f"{name} {'says nothing' if value is None else f'{value:.2f}'}" for name, value in parts.items()
    )
    return f"score {score:.3f} ({said})"


def _rates(label: str, rows: Sequence[tuple[bool, Parts, float]], stream: Stream) -> None:
    print(f"\n{label}:")
    ways: dict[str, Callable[[Parts, float], bool]] = {
        "one score": lambda _, score: score >= stream.file.fusion.threshold,
        FRAMES: lambda parts, _: (parts[FRAMES] or 0.0) >= 0.5,
        TEMPORAL: lambda parts, _: (parts[TEMPORAL] or 0.0) >= 0.5,
        PARALLAX: lambda parts, _: (parts[PARALLAX] or 0.0) >= 0.5,
    }
    if all(parts[FRAMES] is None for _, parts, _ in rows):
        del ways[FRAMES]
    for name, passes in ways.items():
        for live, rate in ((False, "APCER"), (True, "BPCER")):
            some = [passes(parts, score) for label, parts, score in rows if label == live]
            if some:
                wrong = sum(some) if not live else len(some) - sum(some)
                low, high = clopper_pearson(wrong, len(some))
                share = f"{100 * wrong / len(some):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
                print(f"  {name:10s} {rate} {share} ({wrong} of {len(some)})")


def _drawn(stream: Stream, data: Path) -> None:
    """Moved photos of people that training drew nothing from."""
    pipeline, _ = stream.pipeline("photos")
    networks, _ = stream.networks("photos")
    folders = (data / "people" / "presidents", data / "people" / "pairs", data / "lfw" / "images")
    photos = [path for folder in folders for path in sorted(folder.rglob("*.jpg"))]
    detector = open_detector(Zoo(cache_dir=default_models_dir()))
    landmarker = FaceMeshLandmarker(Zoo(cache_dir=default_models_dir()).open("facemesh"))
    rows: list[tuple[bool, Parts, float]] = []
    by_attack: dict[str, list[tuple[bool, Parts, float]]] = {}
    rng = np.random.default_rng(FOREIGN_SEED)
    times = np.arange(int(DRAWN_S * DRAWN_FPS)) / DRAWN_FPS
    for number, place in enumerate(rng.permutation(len(photos))):
        if len(rows) >= DRAWN:
            break
        picture = cv2.imread(str(photos[place]))
        if picture is None:
            continue
        frame = Frame(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        faces = detector.detect(frame)
        if not faces:
            continue
        still = brought_to_frame(frame, landmarker.mesh(frame, faces[0]))
        attack = ATTACKS[number % len(ATTACKS)]
        seen = _watch(pipeline, zip(times, moved_picture(still, attack, times, rng), strict=True))
        stretch = max(seen.stretches, key=len, default=())
        if not _tells(stretch):
            continue
        parts: Parts = {name: network.score(stretch) for name, network in networks.items()}
        row = (False, {FRAMES: None, **parts}, stream.file.fusion.score({FRAMES: 0.5, **parts}))
        rows.append(row)
        by_attack.setdefault(attack, []).append(row)
    _rates(f"{len(rows)} drawn attacks, the liveness network undecided", rows, stream)
    for attack, some in by_attack.items():
        passed = sum(score >= stream.file.fusion.threshold for _, _, score in some)
        print(f"  {attack:8s} accepted {passed} of {len(some)}")


def _jpeg(frame: Frame) -> bytes:
    bgr = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError("a frame can't be encoded")
    return data.tobytes()


def arguments(parser: argparse.ArgumentParser) -> None:
    """What only this measurement takes."""
    parser.add_argument("--liveness-without", type=Path, help="clips: a run of training/combine_liveness.py")
    parser.add_argument("--temporal-without", type=Path, help="clips: a run of training/train_temporal.py")
