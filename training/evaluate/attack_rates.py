"""Presentation attack detection, judged: AUC, APCER and BPCER for each set, with intervals.

ISO/IEC 30107-3: APCER is the share of attacks that pass as live, BPCER the share of live
people taken for attacks. The attack type is not labelled in the sets at hand, so APCER
is for each set. A frame is the unit; frames of one clip are alike, so the true
uncertainty is wider than the intervals say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.metrics import area_under_roc, false_match_rate, false_non_match_rate
from facekey.core.types import Floats
from training.evaluate.interval import clopper_pearson


@dataclass(frozen=True, slots=True)
class Scored:
    """A set and what a network that never saw it said.

    Attributes:
        name: the set.
        logits: (N,) float32, rising with "live".
        live: (N,) bool.
    """

    name: str
    logits: Floats = field(repr=False)
    live: NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of `count`, and the 95 % interval around it."""

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, hits: int, count: int) -> "Rate":
        """Measure it."""
        low, high = clopper_pearson(hits, count)
        return cls(hits / count, low, high, count)


@dataclass(frozen=True, slots=True)
class SetResult:
    """One line of the table. None where the set has no picture of that label."""

    name: str
    auc: float | None
    threshold: float
    apcer: Rate | None
    bpcer: Rate | None


def judge(scored: Scored, threshold: float) -> SetResult:
    """Measure one set at one threshold; a picture at or above it passes as live."""
    live, spoof = scored.logits[scored.live], scored.logits[~scored.live]
    return SetResult(
        scored.name,
        area_under_roc(live, spoof) if len(live) and len(spoof) else None,
        threshold,
        Rate.of(round(false_match_rate(spoof, threshold) * len(spoof)), len(spoof)) if len(spoof) else None,
        Rate.of(round(false_non_match_rate(live, threshold) * len(live)), len(live)) if len(live) else None,
    )


def balanced_threshold(sets: Sequence[Scored]) -> float:
    """Where mean APCER and mean BPCER over the sets meet; each set counts the same.

    Raises:
        ValueError: there is no attack or no live picture in them.
    """
    lives = [np.sort(scored.logits[scored.live]) for scored in sets if scored.live.any()]
    spoofs = [np.sort(scored.logits[~scored.live]) for scored in sets if not scored.live.all()]
    if not lives or not spoofs:
        raise ValueError("a threshold needs live pictures and attacks")
    candidates = np.unique(np.concatenate([*lives, *spoofs]))
    bpcer = np.mean([np.searchsorted(live, candidates) / len(live) for live in lives], axis=0)
    apcer = np.mean([1 - np.searchsorted(spoof, candidates) / len(spoof) for spoof in spoofs], axis=0)
    return float(candidates[np.argmin(np.abs(apcer - bpcer))])


def threshold_for_bpcer(logits: Floats, bpcer: float) -> float:
    """The highest threshold that turns away at most this share of these live pictures."""
    return float(np.sort(logits)[int(np.floor(bpcer * len(logits)))])


@dataclass(frozen=True, slots=True)
class Platt:
    """Probability of live = sigmoid(a * logit + b), a > 0.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """

    a: float
    b: float

    def probability(self, logits: Floats) -> Floats:
        """(N,) -> (N,), 0..1."""
        result: Floats = (1.0 / (1.0 + np.exp(-(self.a * logits + self.b)))).astype(np.float32)
        return result


def calibrate(sets: Sequence[Scored], *, rounds: int = 100) -> Platt:
    """Fit the two numbers on scores of sets that the network did not see.

    Every set counts the same, and within a set both labels. Newton's method.
    """
    x, y, weight = [], [], []
    for scored in sets:
        for live in (True, False):
            some = scored.logits[scored.live == live]
            x.append(some)
            y.append(np.full(len(some), live, float))
            weight.append(np.full(len(some), 1.0 / max(1, len(some))))
    features = np.stack([np.concatenate(x), np.ones(sum(map(len, x)))], axis=1)  # (M, 2)
    target, weights = np.concatenate(y), np.concatenate(weight)
    theta = np.array([1.0, 0.0])
    prior = 1e-3 * np.eye(2)  # keeps a perfect separation finite
    for _ in range(rounds):
        p = 1.0 / (1.0 + np.exp(-np.clip(features @ theta, -30, 30)))
        gradient = features.T @ (weights * (p - target)) + prior @ theta
        curvature = (features * (weights * p * (1 - p))[:, None]).T @ features + prior
        step = np.linalg.solve(curvature, gradient)
        theta = theta - np.clip(step, -1.0, 1.0)
    return Platt(max(float(theta[0]), 1e-3), float(theta[1]))


def table(results: Sequence[SetResult]) -> str:
    """The results as a Markdown table, percentages with their 95 % intervals."""
    lines = ["| Set | AUC | APCER | BPCER | attacks | live |", "|---|---|---|---|---|---|"]
    for row in results:
        auc = "" if row.auc is None else f"{row.auc:.3f}"
        lines.append(
            f"| {row.name} | {auc} | {_percent(row.apcer)} | {_percent(row.bpcer)} "
            f"| {row.apcer.count if row.apcer else 0} | {row.bpcer.count if row.bpcer else 0} |"
        )
    return "\n".join(lines)


def mean_auc(results: Sequence[SetResult]) -> float:
    """Mean over the sets that have both labels."""
    return float(np.mean([row.auc for row in results if row.auc is not None]))


def mean_error(results: Sequence[SetResult]) -> float:
    """Mean over the sets of (APCER + BPCER) / 2, of those that have both labels."""
    errors = [
        (row.apcer.value + row.bpcer.value) / 2
        for row in results
        if row.apcer is not None and row.bpcer is not None
    ]
    return float(np.mean(errors))


def as_json(results: Sequence[SetResult]) -> list[Mapping[str, object]]:
    """The results for a report file."""
    return [
        {
            "set": row.name,
            "auc": row.auc,
            "threshold_logit": row.threshold,
            "apcer": _rate_json(row.apcer),
            "bpcer": _rate_json(row.bpcer),
        }
        for row in results
    ]


def _rate_json(rate: Rate | None) -> Mapping[str, float] | None:
    if rate is None:
        return None
    return {"value": rate.value, "low": rate.low, "high": rate.high, "count": rate.count}


def _percent(rate: Rate | None) -> str:
    if rate is None:
        return ""
    return f"{100 * rate.value:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})"
