"""Fit how the parts of liveness combine: `python training/train_liveness_fusion.py --recordings D ...`.

1. Cut windows of filmed and drawn sequences, and ask every part about each: the liveness
   network frame by frame, the temporal network, parallax. Where a network was trained on the
   window's source, the one of the fold that left it out is asked.
2. Calibrate parallax.
3. Fit the weights of `facekey.core.liveness` by logistic regression within their bounds, on
   windows with all parts and with parts taken away. The frames keep the line that single
   pictures are held against: a stream is never judged more leniently than one picture, since
   the video of a person moves like the person.
4. Judge each group of sources with weights fitted on the other groups; choose the threshold.
5. Write models/weights/liveness_fusion.json and a report.

Drawn sequences come from good photos, of which the liveness network would say what it says
of the photo. Its word on them is drawn instead from what it said of filmed people and
attacks of other sources: as if sheet or person had stood before those cameras.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.liveness import CLIP, EDGE
from facekey.settings import default_models_dir
from facekey.vision.liveness.parallax import MAX_GAIN, MIN_SHIFT_PX, MODEL, Parallax, probability
from facekey.zoo.zoo import Zoo, default_cards_dir
from training.data.parts import FRAMES, PARALLAX, TEMPORAL, Parts, PartsReader, windows_of
from training.evaluate.attack_rates import Platt, Rate, Scored, balanced_threshold, calibrate
from training.git import commit
from training.parallel import only_first
from training.progress import bar, say
from training.record import Run, recorded
from training.record_sequences import load_recordings

ORDER = (FRAMES, TEMPORAL, PARALLAX)
MASKS = ((), (TEMPORAL,), (PARALLAX,), (TEMPORAL, PARALLAX))  # parts taken away, in turn
MASK_WEIGHT = (0.55, 0.15, 0.15, 0.15)
FILMED_SHARE = 0.6  # of the weight of each label; the rest is drawn
DRAWS = 6  # how often a drawn window is paired with some camera's frames
PRIOR = 0.02  # pull of the weights towards `START`
START_WEIGHT, START_ABSENT = 0.6, -0.3
STEPS, RATE = 4000, 0.25
PLACES = 4  # in the file; far finer than the data behind them


@dataclass(frozen=True, slots=True)
class Row:
    """One example of the fit: what each part said, None where it said nothing."""

    group: str
    source: str
    kind: str
    live: bool
    said: dict[str, float | None]
    weight: float


def main(arguments: list[str] | None = None) -> None:
    """Run all five steps."""
    given = _options(arguments)
    only_first("train_liveness_fusion")
    with recorded(given.run_dir, "train_liveness_fusion", given) as run:
        run.reads(given.recordings, given.clips, given.pictures)
        _run(given, run)


def _run(given: argparse.Namespace, run: Run) -> None:
    groups = [frozenset(group.split(",")) for group in given.hold_out]
    reader = PartsReader(
        clips=given.clips,
        pictures=given.pictures,
        models_dir=given.models_dir,
        liveness_without=given.liveness_without,
        temporal_run=given.temporal_run,
        groups=groups,
    )
    recordings = load_recordings(given.recordings)
    found: list[Parts] = []
    for recording in bar(recordings, "asking every part", len(recordings)):
        found += [reader.read(recording, places) for places in windows_of(recording)]
    reader.warn(say)
    platt = calibrate_parallax(found)
    rng = np.random.default_rng(given.seed)
    rows = rows_of(found, platt, rng)
    results = [
        _judge([row for row in rows if row.group == group], fit([row for row in rows if row.group != group]))
        for group in sorted({row.group for row in rows})
    ]
    scored = [(row, odds) for one in results for row, odds in one]
    threshold_odds = balanced_threshold(
        [Scored(name, *_arrays(scored, name)) for name in ("filmed", "drawn") if _has(scored, name)]
    )
    weights = fit(rows)
    least = line_of_pictures(Zoo(cache_dir=given.models_dir))
    text = _report(scored, threshold_odds, least)
    document = document_of(weights, platt, threshold_odds, rows, least=least)
    given.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    run.made(given.output)
    run.figures_of({"threshold": document["threshold"], "rows": len(rows), "parts": document["parts"]})
    say(f"{given.output.name}: threshold {document['threshold']}, {len(rows)} rows")
    say(text)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fit how the parts of liveness combine.")
    add = parser.add_argument
    add("--recordings", type=Path, required=True, help="made by record_sequences.py")
    add("--clips", type=Path, required=True, help="the clips they were made from")
    add("--pictures", type=Path, required=True, help="the sets of pictures they were made from")
    add("--temporal_run", type=Path, required=True, help="--output_dir of train_temporal.py")
    add("--liveness_without", type=Path, help="--output_dir of combine_liveness.py")
    add("--hold_out", action="append", default=[], metavar="SET[,SET]", help="as for train_temporal.py")
    add("--models_dir", type=Path, default=default_models_dir())
    add("--output", type=Path, default=default_cards_dir() / "weights" / "liveness_fusion.json")
    add("--run_dir", type=Path, default=Path("runs/liveness_fusion"), help="where run.json is left")
    add("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def calibrate_parallax(found: Sequence[Parts]) -> Platt:
    """On people, filmed and drawn, against moved pictures: depth is all that it can tell."""
    told = [one for one in found if one.parallax is not None and one.parallax.shift_px >= MIN_SHIFT_PX]
    moved = [one for one in told if not one.live and one.drawn]
    sets = []
    for name, drawn in (("filmed", False), ("drawn", True)):
        some = [one for one in told if one.live and one.drawn == drawn] + moved
        gains = np.array([_gain(one.parallax) for one in some], np.float32)
        sets.append(Scored(name, gains, np.array([one.live for one in some])))
    return calibrate(sets)


def _gain(found: Parallax | None) -> float:
    return 0.0 if found is None else float(np.clip(found.depth_gain, -MAX_GAIN, MAX_GAIN))


def rows_of(found: Sequence[Parts], platt: Platt, rng: Generator) -> list[Row]:
    """Every window with what its parts said, and copies with parts taken away."""
    filmed = [one for one in found if not one.drawn and one.frames is not None]
    rows: list[Row] = []
    for one in found:
        told = one.parallax is not None and one.parallax.shift_px >= MIN_SHIFT_PX
        depth = probability(one.parallax, slope=platt.a, intercept=platt.b) if told and one.parallax else None
        kind = "drawn" if one.drawn else "filmed"
        if not one.drawn:
            if one.frames is not None:
                said = {FRAMES: one.frames, TEMPORAL: one.temporal, PARALLAX: depth}
                rows.append(Row(one.group, one.source, kind, one.live, said, 1.0))
            continue
        # A camera of its own group, so that what is held out stays out.
        cameras = [other for other in filmed if other.live == one.live and other.group == one.group]
        names = sorted({other.source for other in cameras})
        for _ in range(DRAWS if names else 0):
            source = names[rng.integers(len(names))]
            there = [other.frames for other in cameras if other.source == source]
            said = {FRAMES: there[rng.integers(len(there))], TEMPORAL: one.temporal, PARALLAX: depth}
            rows.append(Row(one.group, one.source, kind, one.live, said, 1.0))
    return balanced(rows)


def balanced(rows: Sequence[Row]) -> list[Row]:
    """Both labels alike; in each filmed and drawn by their shares; in each the sources alike."""
    counts: dict[tuple[bool, str], dict[str, int]] = {}
    for row in rows:
        by_source = counts.setdefault((row.live, row.kind), {})
        by_source[row.source] = by_source.get(row.source, 0) + 1
    weighted = []
    for row in rows:
        by_source = counts[row.live, row.kind]
        share = FILMED_SHARE if row.kind == "filmed" else 1 - FILMED_SHARE
        weighted.append(replace(row, weight=share / len(by_source) / by_source[row.source]))
    return weighted


def design(said: dict[str, float | None]) -> NDArray[np.float64]:
    """Above, below and absent for each part, and 1 for the bias: (10,)."""
    columns = []
    for name in ORDER:
        value = said[name]
        if value is None:
            columns += [0.0, 0.0, 1.0]
            continue
        bounded = min(1 - EDGE, max(EDGE, value))
        odds = float(np.clip(np.log(bounded / (1 - bounded)), -CLIP, CLIP))
        columns += [max(odds, 0.0), min(odds, 0.0), 0.0]
    return np.array([*columns, 1.0])


def fit(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Logistic regression within the bounds of `PartWeight`: (10,)."""
    inputs, target, weight = [], [], []
    for row in rows:
        for mask, share in zip(MASKS, MASK_WEIGHT, strict=True):
            inputs.append(design({name: None if name in mask else row.said[name] for name in ORDER}))
            target.append(float(row.live))
            weight.append(row.weight * share)
    x, y, w = np.array(inputs), np.array(target), np.array(weight)
    w /= w.sum()
    start = np.array([START_WEIGHT, START_WEIGHT, START_ABSENT] * len(ORDER) + [0.0])
    pull = np.array([PRIOR] * (len(start) - 1) + [0.0])
    theta, speed = start.copy(), np.zeros_like(start)
    for _ in range(STEPS):
        p = 0.5 * (1 + np.tanh(x @ theta / 2))
        gradient = x.T @ (w * (p - y)) + pull * (theta - start)
        speed = 0.9 * speed - RATE * 0.1 * gradient
        theta = _bounded(theta + speed)
    return theta


def _bounded(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = theta.copy()
    for part in range(len(ORDER)):
        kept[3 * part : 3 * part + 2] = np.maximum(kept[3 * part : 3 * part + 2], 0.0)
        kept[3 * part + 2] = min(kept[3 * part + 2], 0.0)
    return kept


def _judge(rows: Sequence[Row], theta: NDArray[np.float64]) -> list[tuple[Row, float]]:
    return [(row, float(design(row.said) @ theta)) for row in rows]


def vetoed(row: Row, least: float) -> bool:
    """Whether the frames' own line refuses, whatever the sum says."""
    return (row.said[FRAMES] or 0.0) < least


def line_of_pictures(zoo: Zoo) -> float:
    """What a single picture must reach to pass as live.

    Raises:
        ValueError: no liveness network has a threshold.
    """
    uses = [zoo.card(name).liveness for name in zoo.names()]
    return max(use.threshold for use in uses if use is not None and use.threshold is not None)


def _has(scored: Sequence[tuple[Row, float]], kind: str) -> bool:
    return {row.live for row, _ in scored if row.kind == kind} == {True, False}


def _arrays(scored: Sequence[tuple[Row, float]], kind: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    some = [(odds, row.live) for row, odds in scored if row.kind == kind]
    return np.array([odds for odds, _ in some], np.float32), np.array([live for _, live in some])


def _report(scored: Sequence[tuple[Row, float]], threshold: float, least: float) -> str:
    """What weights fitted without a source's group said of it."""
    lines = [
        "| Source | label | windows | passed as live (95 % interval) | frames alone |",
        "|---|---|---|---|---|",
    ]
    keys = sorted(
        {(row.kind, row.live, row.source if row.kind == "filmed" else "all photos") for row, _ in scored}
    )
    for kind, live, source in keys:
        some = [
            (row, odds)
            for row, odds in scored
            if (row.kind, row.live) == (kind, live) and source in (row.source, "all photos")
        ]
        rate = Rate.of(sum(odds >= threshold and not vetoed(row, least) for row, odds in some), len(some))
        alone = np.mean([(row.said[FRAMES] or 0.0) >= least for row, _ in some])
        lines.append(
            f"| {kind}, {source} | {'live' if live else 'attack'} | {len(some)} | {100 * rate.value:.1f} % "
            f"({100 * rate.low:.1f} to {100 * rate.high:.1f}) | {100 * alone:.1f} % |"
        )
    return "\n".join(lines)


def document_of(
    theta: NDArray[np.float64], platt: Platt, threshold_odds: float, rows: Sequence[Row], *, least: float
) -> dict[str, object]:
    """What the file holds: weights, threshold, calibration of parallax, and their birth certificate."""
    parts = {
        name: dict(
            zip(
                ("above", "below", "absent"),
                (round(float(value), PLACES) for value in theta[3 * place : 3 * place + 3]),
                strict=True,
            )
        )
        for place, name in enumerate(ORDER)
    }
    parts[FRAMES]["least"] = least
    filmed = sorted({row.source for row in rows if row.kind == "filmed"})
    photos = {row.source for row in rows if row.kind == "drawn"}
    return {
        "parts": parts,
        "bias": round(float(theta[-1]), PLACES),
        "threshold": round(0.5 * (1 + float(np.tanh(threshold_odds / 2))), PLACES),
        "parallax": {"model": MODEL, "slope": round(platt.a, PLACES), "intercept": round(platt.b, PLACES)},
        "born": {
            "data": f"clips and frame sequences of {len(filmed)} sets ({', '.join(filmed)}), people and "
            f"moved pictures drawn from {len(photos)} photos",
            "protocol": "windows of 3 s; each part's word by a network that never saw the source, where "
            "there was one; threshold where mean APCER and mean BPCER of held-out groups meet",
            "comparisons": len(rows),
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
        },
    }


if __name__ == "__main__":
    main()
