"""The report of a liveness training: held-out tables, threshold, calibration, plots.

1. Each network judges the sets it never saw.
2. Each held-out set is measured at the threshold of the other rounds' held-out scores,
   which is the only threshold one would have had before seeing it.
3. The threshold and the calibration that ship come from all held-out scores together.
4. The last network, trained on everything, is judged on live people it never saw.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.evaluate.attack_rates import (
    Platt,
    SetResult,
    as_json,
    balanced_threshold,
    calibrate,
    judge,
    mean_auc,
    table,
    threshold_for_bpcer,
)
from training.evaluate.plots import draw
from training.rounds import Round

MAX_BPCER = 0.05


@dataclass(frozen=True, slots=True)
class Operating:
    """Where the product decides, on the logit and on the calibrated score."""

    threshold_logit: float
    threshold: float
    calibration: Platt


def operating_point(rounds: Sequence[Round], last: Round | None) -> Operating:
    """Threshold and calibration from the held-out scores of all rounds.

    The threshold is where mean APCER and mean BPCER of the held-out sets meet, but never
    so high that the last network would send away more than `MAX_BPCER` of the live people
    who bound it.
    """
    held_out = [scored for one in rounds for scored in one.held_out]
    calibration = calibrate(held_out)
    logit = balanced_threshold(held_out)
    if last and last.bounding:
        bounding = np.concatenate([scored.logits for scored in last.bounding])
        logit = min(logit, threshold_for_bpcer(bounding, MAX_BPCER))
    score = float(calibration.probability(np.array([logit], np.float32))[0])
    return Operating(logit, score, calibration)


def held_out_results(rounds: Sequence[Round]) -> list[SetResult]:
    """Step 2. With a single round there is no other one, so its own threshold is used."""
    results = []
    for one in rounds:
        others = [scored for other in rounds if other is not one for scored in other.held_out]
        threshold = balanced_threshold(others or one.held_out)
        results += [judge(scored, threshold) for scored in one.held_out]
    return sorted(results, key=lambda result: result.name)


def write(folder: Path, recipe: Mapping[str, object], rounds: Sequence[Round], last: Round | None) -> str:
    """Write report.json, report.md and curves.png; give the report's text."""
    results = held_out_results(rounds)
    point = operating_point(rounds, last)
    at_point = sorted(
        (judge(scored, point.threshold_logit) for one in rounds for scored in one.held_out),
        key=lambda result: result.name,
    )
    live = [judge(scored, point.threshold_logit) for scored in last.live] if last else []
    text = "\n\n".join(
        [
            "# Liveness training report",
            f"Mean AUC over held-out sets: {mean_auc(results):.3f}",
            "## Held-out sets, each at the threshold of the other rounds\n\n" + table(results),
            f"## Held-out sets at the threshold that ships, {point.threshold:.3f}\n\n" + table(at_point),
            "## Live people the last network never saw, at the same threshold\n\n" + table(live),
        ]
    )
    (folder / "report.md").write_text(text + "\n")
    report = {
        "recipe": dict(recipe),
        "mean_auc": mean_auc(results),
        "held_out": as_json(results),
        "held_out_at_shipped_threshold": as_json(at_point),
        "live": as_json(live),
        "operating_point": asdict(point),
        "rounds": {one.name: [scored.name for scored in one.held_out] for one in rounds},
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    draw([scored for one in rounds for scored in one.held_out], folder / "curves.png")
    return text
