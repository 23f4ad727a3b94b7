"""False names: does the share of strangers who are named stay where the operator set it, at every size?

Protocol: the threshold for a gallery of N people is the product's (`core.policy.IdentifyPolicy`, false
positive identification rate 1 %, floor at FMR 1e-4), each comparison as in `core.matching`. Real faces:
LFW through the pipeline; N people are enrolled with one picture each, drawn anew 20 times, and one picture
of everybody else searches. Made-up people: as `bench/gallery_people.py` draws them, 192 numbers. An index
that misses somebody can only name fewer, so exact search is the worst case.

Shards: people are dealt to 4 shards by their uid, each is searched by itself, and the best of
all answers is taken, at the threshold for all people together; it must be what one gallery answers.
"""

import hashlib
from pathlib import Path

import numpy as np

from bench import faces
from bench.gallery_people import STRANGERS, mated, people
from bench.intervals import written
from bench.results import Cell, Column, Figure, Result, Table
from facekey.core.calibration import Calibration
from facekey.core.policy import IdentifyPolicy
from facekey.core.similarity import likenesses_of
from facekey.core.types import Floats
from facekey.store.index.exact import ExactIndex

FPIR = 0.01
POLICY = IdentifyPolicy(match_threshold=4.0, false_positive_rate=FPIR, liveness_threshold=0.5)
REAL = (100, 300, 1_000, 2_000)
MADE_UP = (1_000, 10_000, 100_000, 1_000_000)
DRAWS = 20
SEARCHES = 2_000
SHARDS = 4
PROBES = 500
COLUMNS = (Column("people"), Column("enrolled", digits=0), Column("named", "%", 3), Column("interval"))


def main(data: Path | None) -> Result:
    """Measure and print."""
    print(__doc__)
    engine = faces.engine()
    model = engine.matcher.models[0]
    calibration = engine.calibrations[model]
    rows: list[tuple[Cell, ...]] = []
    if data is None:
        print("  real faces: passed over, they need --data with lfw/images")
    else:
        got = faces.lfw(data, engine)
        vectors: dict[str, list[Floats]] = {}
        for name in got.judged:
            vectors.setdefault(name.split("/")[0], []).append(got.captures[name].vectors[model])
        rows += [_real(vectors, calibration, size) for size in REAL]
    rows += [_made_up(calibration, size) for size in MADE_UP]
    for row in rows:
        print(
            f"  {row[0]}, {row[1]:,} enrolled: {row[3]} of strangers were named; {100 * FPIR:g} % is wanted"
        )
    agree = _shards()
    table = Table(
        "gallery_fpir", "Strangers who are named (FPIR)", COLUMNS, tuple(rows), f"wanted: {FPIR:.0%}"
    )
    return Result((agree,), (table,))


def _real(vectors: dict[str, list[Floats]], calibration: Calibration, size: int) -> tuple[Cell, ...]:
    rng = np.random.default_rng(size)
    names = list(vectors)
    threshold = POLICY.threshold(size)
    hits = total = 0
    for _ in range(DRAWS):
        order = rng.permutation(len(names))
        enrolled = np.stack([vectors[names[place]][0] for place in order[:size]])
        probes = np.stack([vectors[names[place]][-1] for place in order[size:]])
        best = calibration.evidences(likenesses_of(probes, enrolled).max(axis=1))
        hits += int((best >= threshold).sum())
        total += len(probes)
    return "LFW", size, 100 * hits / total, written(hits, total)


def _made_up(calibration: Calibration, size: int) -> tuple[Cell, ...]:
    _, strangers = next(people(SEARCHES, 192, seed=STRANGERS))
    best = np.full(SEARCHES, -1.0, np.float32)
    for _, enrolled in people(size, 192):
        best = np.maximum(best, (strangers @ enrolled.T).max(axis=1))
    hits = int((calibration.evidences(best) >= POLICY.threshold(size)).sum())
    return "made up", size, 100 * hits / SEARCHES, written(hits, SEARCHES)


def _shards() -> Figure:
    size, count = 20_000, 32
    vectors = np.concatenate([part for _, part in people(size, 192)])
    uids = [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(size)]
    owner = np.array([int(uid[:8], 16) % SHARDS for uid in uids])
    whole, shards = ExactIndex(192), [ExactIndex(192) for _ in range(SHARDS)]
    whole.put(range(size), vectors)
    for shard, index in enumerate(shards):
        mine = np.flatnonzero(owner == shard)
        index.put(mine.tolist(), vectors[mine])
    _, strangers = next(people(PROBES, 192, seed=STRANGERS))
    probes = np.concatenate([mated(vectors[:PROBES]), strangers])
    same = 0
    for probe in probes:
        alone = whole.nearest(probe, count)
        parts = [index.nearest(probe, count) for index in shards]
        numbers = np.concatenate([part[0] for part in parts])
        scores = np.concatenate([part[1] for part in parts])
        merged = numbers[np.argsort(-scores, kind="stable")[:count]]
        same += set(merged.tolist()) == set(alone[0].tolist()) and int(merged[0]) == int(alone[0][0])
    sizes = ", ".join(f"{int((owner == shard).sum()):,}" for shard in range(SHARDS))
    print(f"  {SHARDS} shards of {sizes} people: {written(same, len(probes))} answers as of one gallery")
    return Figure("shards_agree", "answers of shards that are one gallery's", same / len(probes), digits=4)
