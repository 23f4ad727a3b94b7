"""Edge bundles: what small and quick costs, in the bundles' own pipeline.

Protocol: `facekey export edge` in each precision, with the ranges that come with FaceKey (measured on
other pictures than these). Every picture of LFW's standard 6,000 pairs is decoded, detected, aligned and
embedded by the bundle's networks; the most prominent face is taken, and neither quality nor liveness
sends a picture back, as they would do alike in every precision. Accuracy: ten folds, the threshold that
was best on the other nine. TAR at FMR 1e-3 on the 3,000 impostor pairs. FNMR at the card's thresholds, and
the FMR there, over all pairs of the pictures. Liveness: `pad/<set>/{live,spoof}`, at most 60 of each, by
the shipped networks, which were trained on them: only the difference between bundles says something; the
model card has the error on sets that were held out. Speed: one picture after the other through all bundles
in turn, one core, twice in a row, the faster counts; the stages detect, mesh, quality, liveness and embed;
the median of the ratios and its 95 % interval (bootstrap over pictures).
"""

import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.host import describe
from bench.intervals import written
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import ImageRefused, SampleRejected
from facekey.core.metrics import false_match_rate, false_non_match_rate, threshold_at_fmr
from facekey.core.types import Evidence
from facekey.edge.bundle import Order, export_bundle
from facekey.edge.made import Precision
from facekey.edge.runner.manifest import Manifest, read_manifest
from facekey.edge.runner.networks import Networks, open_networks
from facekey.evaluation.pairs import PairList, read_pairs
from facekey.evaluation.rates import accuracy
from facekey.settings import read_settings
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.pipeline import Pipeline
from facekey.vision.subject import SubjectPolicy, choose_subject
from facekey.wiring.vision import open_zoo
from facekey.zoo.zoo import default_cards_dir

STAGES = ("detect", "align", "mesh", "quality", "liveness", "embed")
RATES = (1e-3, 1e-4, 1e-5)
TIMED = 150
OF_A_CLASS = 60
DRAWS = 2000
ALWAYS_ONE = SubjectPolicy(dominance=1.0)

Vectors = dict[str, NDArray[np.float32]]


@dataclass
class Stopwatch:
    """Seconds of the stages of one picture."""

    stages: dict[str, float] = field(default_factory=dict)

    def __call__(self, stage: str, seconds: float) -> None:
        """Implements `vision.pipeline.StageObserver`."""
        self.stages[stage] = seconds

    def take(self) -> float:
        """The stages that networks have a part in, and start again."""
        total = sum(self.stages.get(stage, 0.0) for stage in STAGES)
        self.stages.clear()
        return total


@dataclass(frozen=True)
class Bundle:
    """One precision, loaded on one core."""

    precision: Precision
    folder: Path
    manifest: Manifest
    networks: Networks
    pipeline: Pipeline
    cosines: tuple[float, ...]
    watch: Stopwatch

    def look(self, path: Path) -> Evidence | None:
        """What it makes of one picture; None where it is sent back."""
        self.watch.stages.clear()
        try:
            return self.pipeline.analyze(path.read_bytes())
        except (SampleRejected, ImageRefused):
            return None

    def recognise(self, path: Path) -> NDArray[np.float32] | None:
        """The vector of the most prominent face; None where there is none."""
        frame = decode(path.read_bytes())
        try:
            face = choose_subject(self.networks.detector.detect(frame), frame.size, ALWAYS_ONE)
        except SampleRejected:
            return None
        crop = identity_crop(frame, face, crop_px=self.networks.embedder.crop_px)
        return self.networks.embedder.embed([crop])[0].vector


def main(data: Path | None) -> None:
    """Measure and print."""
    if data is None:
        raise SystemExit("edge needs --data")
    print(__doc__)
    print(f"machine: {describe()}")
    with tempfile.TemporaryDirectory() as folder:
        bundles = [load(Path(folder) / precision, precision) for precision in Precision]
        report_sizes(bundles)
        report_memory(bundles, next((data / "lfw" / "images").glob("*/*.jpg")))
        report_speed(bundles, data / "lfw" / "images")
        report_liveness(bundles, data / "pad")
        report_recognition(bundles, data / "lfw")


def load(folder: Path, precision: Precision) -> Bundle:
    """Export one precision and open it."""
    export_bundle(open_zoo(read_settings()), default_cards_dir(), folder, Order(precision, {}, (), times=1))
    manifest = read_manifest(folder)
    networks = open_networks(folder, manifest, threads=1)
    watch = Stopwatch()
    pipeline = Pipeline(
        detector=networks.detector,
        landmarker=networks.landmarker,
        embedders=[networks.embedder],
        liveness=networks.liveness,
        subject=ALWAYS_ONE,
        observe=watch,
    )
    cosines = tuple(networks.calibration.cosine_at(evidence_of_fmr(rate)) for rate in RATES)
    return Bundle(precision, folder, manifest, networks, pipeline, cosines, watch)


def drawn_from(paths: list[Path], count: int) -> list[Path]:
    """The same pictures in every run."""
    return random.Random(0).sample(paths, min(count, len(paths)))  # noqa: S311 - nobody needs to be surprised


def report_sizes(bundles: list[Bundle]) -> None:
    """Bytes of what decides, and of the whole folder."""
    for bundle in bundles:
        sizes = {
            name: (bundle.folder / network.file).stat().st_size
            for name, network in bundle.manifest.networks.items()
        }
        head = (bundle.folder / "head.json").stat().st_size
        mesh = sizes["facemesh"]
        whole = sum(path.stat().st_size for path in bundle.folder.rglob("*") if path.is_file())
        print(
            f"{bundle.precision}: detector, embedder, liveness and head "
            f"{sum(sizes.values()) - mesh + head:,} B, "
            f"with the mesh {sum(sizes.values()) + head:,} B, the folder {whole:,} B; {sizes}"
        )


def report_memory(bundles: list[Bundle], photo: Path) -> None:
    """Peak memory of the runner as a program of its own, after twenty looks at one photo."""
    for bundle in bundles:
        command = [sys.executable, "-m", "facekey_edge", "--threads", "1", "speed", str(photo.resolve())]
        measured = subprocess.run(
            [sys.executable, "-c", _PEAK, *command],
            cwd=bundle.folder,
            capture_output=True,
            check=True,
            text=True,
        )
        peak = int(measured.stdout.split()[-1])
        print(f"{bundle.precision}: peak memory of the runner {peak / 1024:.0f} MiB")


_PEAK = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def report_speed(bundles: list[Bundle], images: Path) -> None:
    """How many times faster than fp32, picture by picture."""
    drawn = drawn_from(sorted(images.glob("*/*.jpg")), TIMED)
    rows = []
    for path in track(drawn, description="speed"):
        row = []
        for bundle in bundles:
            runs = [bundle.watch.take() if bundle.look(path) is not None else np.nan for _ in range(2)]
            row.append(min(runs))
        rows.append(row)
    seconds = np.array(rows)
    seconds = seconds[~np.isnan(seconds).any(axis=1)]  # (pictures, bundles)
    rng = np.random.default_rng(0)
    for place, bundle in enumerate(bundles):
        ratios = seconds[:, 0] / seconds[:, place]
        draws = np.median(ratios[rng.integers(0, len(ratios), (DRAWS, len(ratios)))], axis=1)
        low, high = np.quantile(draws, (0.025, 0.975))
        print(
            f"{bundle.precision}: {1000 * np.median(seconds[:, place]):.1f} ms a picture, "
            f"{np.median(ratios):.2f} [{low:.2f}, {high:.2f}] times as fast as fp32 ({len(ratios)} pictures)"
        )


def report_liveness(bundles: list[Bundle], pad: Path) -> None:
    """Error of the shipped networks on sets they know, for the difference between bundles."""
    pictures = [
        (path, kind == "live")
        for kind in ("live", "spoof")
        for folder in sorted(pad.glob(f"*/{kind}"))
        for path in drawn_from(sorted(folder.iterdir()), OF_A_CLASS)
    ]
    if not pictures:
        print("liveness: passed over, there are no pictures in pad/<set>/{live,spoof}")
        return
    for bundle in bundles:
        seen = [(bundle.look(path), live) for path, live in track(pictures, description="liveness")]
        scores = np.array([one.liveness.score for one, _ in seen if one is not None])
        live = np.array([is_live for one, is_live in seen if one is not None])
        passed = scores >= bundle.manifest.liveness.threshold
        print(
            f"{bundle.precision}: APCER {written(int(passed[~live].sum()), int((~live).sum()))}, "
            f"BPCER {written(int((~passed[live]).sum()), int(live.sum()))}, "
            f"{len(seen) - len(scores)} of {len(seen)} sent back"
        )


def report_recognition(bundles: list[Bundle], lfw: Path) -> None:
    """Accuracy and error rates on LFW."""
    pairs = read_pairs(lfw / "pairs.txt")
    for bundle in bundles:
        vectors: Vectors = {}
        for name in track(sorted(pairs.pictures), description=f"{bundle.precision} on LFW"):
            vector = bundle.recognise(lfw / "images" / name)
            if vector is not None:
                vectors[name] = vector
        print(f"{bundle.precision}: no face in {len(pairs.pictures) - len(vectors)} of {len(pairs.pictures)}")
        _report_pairs(pairs, vectors)
        _report_all(vectors, bundle.cosines)


def _report_pairs(pairs: PairList, vectors: Vectors) -> None:
    scores = np.array(
        [
            float(vectors[pair.left] @ vectors[pair.right])
            if pair.left in vectors and pair.right in vectors
            else np.nan
            for pair in pairs.pairs
        ]
    )
    mated = np.array([pair.mated for pair in pairs.pairs])
    right = accuracy(scores, mated, np.array([pair.fold for pair in pairs.pairs])).right
    threshold = threshold_at_fmr(scores[~mated & ~np.isnan(scores)], RATES[0])
    hits = int((scores[mated] >= threshold).sum())
    print(f"  accuracy {written(right.hits, right.total)}; TAR at FMR 1e-3 {written(hits, int(mated.sum()))}")


def _report_all(vectors: Vectors, cosines: tuple[float, ...]) -> None:
    names = list(vectors)
    stacked = np.stack([vectors[name] for name in names])
    people = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
    alike = stacked @ stacked.T
    upper = np.triu(np.ones_like(alike, dtype=bool), k=1)
    same = people[:, None] == people[None, :]
    mated, impostor = alike[upper & same], alike[upper & ~same]
    for rate, cosine in zip(RATES, cosines, strict=True):
        print(
            f"  at the card's threshold for FMR {rate:g}: FMR {false_match_rate(impostor, cosine):.2e}, "
            f"FNMR {100 * false_non_match_rate(mated, cosine):.2f} %"
        )
