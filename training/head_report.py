"""The report of the authentication head: how far its probabilities hold, and what they add.

Everything is measured on people and liveness sets that the head did not learn from.

1. Reliability: attempts in ten bins of probability; in each, how many were genuine and live.
   The expected calibration error is the mean gap, weighted by how many are in a bin.
2. What it adds. The plain thresholds (match and liveness each above its line) let a share of
   the wanted and a share of the unwanted through. At the same share of unwanted, how many of
   the wanted would the head alone let through? And as an order of attempts, how does it
   compare with the weaker of the two kinds of evidence?
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from facekey.core.metrics import area_under_roc
from facekey.evaluation.rates import Share, share

mpl.use("Agg")
from matplotlib import pyplot as plt

BINS = 10
DPI = 130


@dataclass(frozen=True, slots=True)
class Bin:
    """Attempts of about one probability."""

    probability: float
    wanted: Share


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """What was measured.

    Attributes:
        calibration_error: expected, 0..1.
        thresholds_wanted: share of wanted attempts that pass the plain thresholds.
        thresholds_unwanted: the same of unwanted ones.
        head_wanted: share of wanted attempts that the head passes at that share of unwanted.
        auc: of the head.
        auc_of_weaker: of the weaker of match and liveness evidence.
    """

    bins: tuple[Bin, ...]
    calibration_error: float
    thresholds_wanted: Share
    thresholds_unwanted: Share
    head_wanted: Share
    auc: float
    auc_of_weaker: float


def measure(
    probability: NDArray[np.float64], inputs: NDArray[np.float32], wanted: NDArray[np.bool_]
) -> HeadFigures:
    """Measure a head.

    Args:
        probability: (N,) what it said.
        inputs: (N, 3) match, liveness, quality as `core.head.HeadInput`.
        wanted: (N,) whether the attempt was genuine and live.
    """
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        inside = place == number
        if not inside.any():
            continue
        found = share(int(wanted[inside].sum()), int(inside.sum()))
        mean = float(probability[inside].mean())
        bins.append(Bin(mean, found))
        error += abs(mean - found.value) * float(inside.mean())
    passed = (inputs[:, 0] >= 0) & (inputs[:, 1] >= 0)
    thresholds_wanted = share(int(passed[wanted].sum()), int(wanted.sum()))
    thresholds_unwanted = share(int(passed[~wanted].sum()), int((~wanted).sum()))
    ordered = np.sort(probability[~wanted])[::-1]
    line = ordered[min(int(passed[~wanted].sum()), len(ordered) - 1)]
    weaker = inputs[:, :2].min(axis=1)
    return HeadFigures(
        tuple(bins),
        error,
        thresholds_wanted,
        thresholds_unwanted,
        share(int((probability[wanted] > line).sum()), int(wanted.sum())),
        area_under_roc(probability[wanted], probability[~wanted]),
        area_under_roc(weaker[wanted], weaker[~wanted]),
    )


def write(folder: Path, figures: HeadFigures, born: Mapping[str, object]) -> None:
    """Write `head.json`'s report: `head_report.json` and `reliability.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"born": dict(born), **asdict(figures)}
    (folder / "head_report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    _draw(figures, folder / "reliability.png")


def _draw(figures: HeadFigures, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(5.2, 5.0), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#8a8f98", linewidth=1.0, linestyle="--", label="what it should be")
    mean = [one.probability for one in figures.bins]
    found = [one.wanted.value for one in figures.bins]
    low = [one.wanted.value - one.wanted.low for one in figures.bins]
    high = [one.wanted.high - one.wanted.value for one in figures.bins]
    axes.errorbar(
        mean, found, yerr=[low, high], color="#0b6e4f", marker="o", markersize=4, linewidth=1.6, capsize=2
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("probability that the head gives")
    axes.set_ylabel("share that is genuine and live")
    axes.set_title(f"expected calibration error {figures.calibration_error:.3f}", fontsize=10)
    axes.grid(visible=True, color="#d9dce1", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
