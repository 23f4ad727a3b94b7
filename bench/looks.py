"""Does the small first look cost accuracy? Every picture is looked at in both ways.

Protocol: the service's own networks, once with the detector as it is (a look of 320 px, a closer one
only where that could change the answer), once with the look of 640 px for every picture, as it was
before. LFW: the pictures of the 6,000 standard pairs through the whole pipeline; accuracy over ten
folds, and who is missed and who is let in at the threshold that the network's card promises a false
match rate of 1e-4 for. Liveness: `pad/<set>/{live,spoof}`, the shipped networks at the shipped
threshold; they were trained on part of these pictures, so only the difference between the two ways
says something. Far away: the same LFW pairs, each picture in the middle of an empty one of 640 x 480,
so that faces are half as wide in the look. In pairs: how many decisions changed, for the better and
for the worse (an exact sign test says whether that could be chance).
"""

import math
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from bench.host import describe
from bench.intervals import written
from bench.results import Cell, Column, Figure, Result, Table
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import ImageRefused, SampleRejected
from facekey.core.types import Evidence
from facekey.evaluation.pairs import Pair, read_pairs
from facekey.evaluation.rates import Marks, accuracy
from facekey.settings import read_settings
from facekey.vision.detect.hybrid import HybridDetector
from facekey.vision.detect.mtcnn import Mtcnn
from facekey.vision.detect.retinaface import RetinaFace, RetinaFaceOptions
from facekey.vision.pipeline import Pipeline
from facekey.vision.subject import SubjectPolicy
from facekey.wiring.vision import Vision, open_vision, open_zoo
from facekey.zoo.zoo import Zoo

OF_A_CLASS = 200
FAR = (480, 640)
THREADS = 2
ONE_PERSON = SubjectPolicy(dominance=1.0)
FMR = 1e-4


@dataclass(frozen=True)
class Way:
    """One way of looking for faces."""

    name: str
    pipeline: Pipeline

    def look(self, image: bytes) -> Evidence | None:
        """What it makes of a picture; None where it is sent back."""
        try:
            return self.pipeline.analyze(image)
        except (SampleRejected, ImageRefused):
            return None


def main(data: Path | None) -> Result:
    """Measure and print."""
    if data is None:
        raise SystemExit("looks needs --data")
    print(__doc__)
    print(f"machine: {describe()}")
    zoo = open_zoo(read_settings())
    vision = open_vision(zoo, subject=ONE_PERSON)
    ways = (Way("640 px always", _always_usual(zoo, vision)), Way("320 px first", vision.pipeline))
    tables = [
        _recognition("lfw", "LFW, 6,000 pairs", ways, vision, data / "lfw", far=False),
        _recognition("far", "LFW, 6,000 pairs, faces half as wide", ways, vision, data / "lfw", far=True),
        _liveness(ways, vision, data / "pad"),
    ]
    return Result(
        figures=tuple(figure for _, figures in tables for figure in figures),
        tables=tuple(table for table, _ in tables),
    )


def _always_usual(zoo: Zoo, vision: Vision) -> Pipeline:
    mtcnn = Mtcnn(pnet=zoo.open("mtcnn_pnet"), rnet=zoo.open("mtcnn_rnet"), onet=zoo.open("mtcnn_onet"))
    options = RetinaFaceOptions(small_side_px=RetinaFaceOptions().side_px)
    before = copy(vision.pipeline)
    before._detector = HybridDetector(RetinaFace(zoo.open("retinaface"), options, subject=ONE_PERSON), mtcnn)
    return before


def _looked(ways: Sequence[Way], images: Sequence[bytes], said: str) -> list[list[Evidence | None]]:
    """Each picture in each way."""
    with ThreadPoolExecutor(THREADS) as pool:
        looks = pool.map(lambda image: [way.look(image) for way in ways], images)
        return list(track(looks, total=len(images), description=said))


def _recognition(
    key: str, title: str, ways: Sequence[Way], vision: Vision, lfw: Path, *, far: bool
) -> tuple[Table, list[Figure]]:
    pairs = read_pairs(lfw / "pairs.txt").pairs
    names = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    images = [(lfw / "images" / name).read_bytes() for name in names]
    if far:
        images = [_in_the_middle(image) for image in images]
    seen = dict(zip(names, _looked(ways, images, title), strict=True))
    mated = np.array([pair.mated for pair in pairs])
    fold = np.array([pair.fold for pair in pairs])
    threshold = evidence_of_fmr(FMR)
    rows: list[tuple[Cell, ...]] = []
    verdicts = []
    for place, way in enumerate(ways):
        scores = np.array([_evidence(vision, pair, seen, place) for pair in pairs])
        right = accuracy(scores, mated, fold).right
        let_in = scores >= threshold
        missed, strangers = int((~let_in[mated]).sum()), int(let_in[~mated].sum())
        sent_back = sum(seen[name][place] is None for name in names)
        verdicts.append(let_in == mated)
        print(
            f"{title}, {way.name}: accuracy {written(right.hits, right.total)}; at FMR {FMR:g} "
            f"{written(missed, int(mated.sum()))} missed, {written(strangers, int((~mated).sum()))} let in; "
            f"{sent_back} of {len(names)} pictures sent back"
        )
        rows.append(
            (
                way.name,
                100 * right.hits / right.total,
                100 * missed / mated.sum(),
                float(strangers),
                float(sent_back),
            )
        )
    table = Table(
        key,
        title,
        (
            Column("detector"),
            Column("accuracy", "%", 2),
            Column(f"missed at FMR {FMR:g}", "%", 2),
            Column("strangers let in", "", 0),
            Column("pictures sent back", "", 0),
        ),
        tuple(rows),
    )
    return table, _changed(key, verdicts[0], verdicts[1])


def _in_the_middle(image: bytes) -> bytes:
    """A picture in the middle of an empty one."""
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit("a picture of lfw/images can't be read")
    height, width = pixels.shape[:2]
    top, left = (FAR[0] - height) // 2, (FAR[1] - width) // 2
    far = np.full((*FAR, 3), 128, np.uint8)
    far[top : top + height, left : left + width] = pixels
    return bytes(cv2.imencode(".png", far)[1])


def _evidence(vision: Vision, pair: Pair, seen: dict[str, list[Evidence | None]], place: int) -> float:
    left, right = seen[pair.left][place], seen[pair.right][place]
    if left is None or right is None:
        return float("nan")
    return vision.matcher.compare_probes(left.embeddings, right.embeddings).evidence


def _liveness(ways: Sequence[Way], vision: Vision, pad: Path) -> tuple[Table, list[Figure]]:
    rng = random.Random(0)  # noqa: S311 - nobody needs to be surprised
    pictures = []
    for kind in ("live", "spoof"):
        for folder in sorted(pad.glob(f"*/{kind}")):
            paths = sorted(folder.iterdir())
            pictures += [(path, kind == "live") for path in rng.sample(paths, min(OF_A_CLASS, len(paths)))]
    live = np.array([is_live for _, is_live in pictures])
    seen = _looked(ways, [path.read_bytes() for path, _ in pictures], "liveness")
    rows: list[tuple[Cell, ...]] = []
    verdicts = []
    for place, way in enumerate(ways):
        passed = np.array(
            [
                one is not None and one.liveness.score >= vision.liveness_threshold
                for one in (looks[place] for looks in seen)
            ]
        )
        judged = np.array([looks[place] is not None for looks in seen])
        accepted, refused = int((passed & ~live).sum()), int((~passed & live & judged).sum())
        spoofs, people = int((~live & judged).sum()), int((live & judged).sum())
        verdicts.append(passed == live)
        print(
            f"liveness, {way.name}: APCER {written(accepted, spoofs)}, BPCER {written(refused, people)}; "
            f"{int((~judged).sum())} of {len(judged)} sent back"
        )
        rows.append((way.name, 100 * accepted / spoofs, 100 * refused / people, float((~judged).sum())))
    table = Table(
        "liveness",
        f"liveness, {len(pictures)} pictures of {len(list(pad.iterdir()))} sets",
        (
            Column("detector"),
            Column("APCER", "%", 2),
            Column("BPCER", "%", 2),
            Column("pictures sent back", "", 0),
        ),
        tuple(rows),
    )
    return table, _changed("liveness", verdicts[0], verdicts[1])


def _changed(key: str, before: Marks, after: Marks) -> list[Figure]:
    better, worse = int((~before & after).sum()), int((before & ~after).sum())
    chance = _sign_test(better, worse)
    print(f"  decisions that changed: {better} for the better, {worse} for the worse (p = {chance:.2f})")
    return [
        Figure(
            f"{key}_better", f"{key}: decisions changed for the better", better, digits=0, count=len(before)
        ),
        Figure(f"{key}_worse", f"{key}: decisions changed for the worse", worse, digits=0, count=len(before)),
        Figure(f"{key}_chance", f"{key}: p of the exact sign test", chance, digits=2),
    ]


def _sign_test(better: int, worse: int) -> float:
    """How likely so uneven a split is where both are alike, two-sided."""
    total = better + worse
    if not total:
        return 1.0
    tail = sum(math.comb(total, k) for k in range(min(better, worse) + 1)) / 2**total
    return float(min(1.0, 2 * tail))
