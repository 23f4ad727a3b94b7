"""ROC and DET curves of held-out sets, one picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from training.evaluate.attack_rates import Scored

mpl.use("Agg")
from matplotlib import pyplot as plt

DET_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
DPI = 130

Curve = tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]
"""APCER and BPCER at rising thresholds, and the least that either can be drawn as."""


def draw(sets: Sequence[Scored], path: Path, *, title: str = "sets the network never saw") -> None:
    """Draw BPCER against APCER of every set that has both labels."""
    curves = {}
    for scored in sets:
        live, spoof = np.sort(scored.logits[scored.live]), np.sort(scored.logits[~scored.live])
        if not (len(live) and len(spoof)):
            continue
        thresholds = np.unique(np.concatenate([live, spoof]))
        bpcer = np.searchsorted(live, thresholds) / len(live)
        apcer = 1 - np.searchsorted(spoof, thresholds) / len(spoof)
        curves[scored.name] = (apcer, bpcer, (0.5 / len(spoof), 0.5 / len(live)))
    _draw_curves(curves, path, title)


def draw_systems(systems: Mapping[str, Sequence[Scored]], path: Path) -> None:
    """Draw one curve a system: the mean rates over its sets, at one threshold for all of them."""
    curves = {}
    for name, sets in systems.items():
        both = [scored for scored in sets if scored.live.any() and not scored.live.all()]
        if not both:
            continue
        thresholds = np.unique(np.concatenate([scored.logits for scored in both]))
        bpcer, apcer = np.zeros(len(thresholds)), np.zeros(len(thresholds))
        for scored in both:
            live, spoof = np.sort(scored.logits[scored.live]), np.sort(scored.logits[~scored.live])
            bpcer += np.searchsorted(live, thresholds) / len(live) / len(both)
            apcer += (1 - np.searchsorted(spoof, thresholds) / len(spoof)) / len(both)
        curves[name] = (apcer, bpcer, (1e-3, 1e-3))
    _draw_curves(curves, path, "mean over sets, one threshold for all")


def _draw_curves(curves: Mapping[str, Curve], path: Path, title: str) -> None:
    figure, (roc, det) = plt.subplots(1, 2, figsize=(12, 5.5))
    for name, (apcer, bpcer, edge) in curves.items():
        roc.plot(apcer, 1 - bpcer, label=name)
        # A log axis has no zero.
        det.plot(np.maximum(apcer, edge[0]), np.maximum(bpcer, edge[1]), label=name)
    roc.set(xlabel="APCER", ylabel="1 - BPCER", title=f"ROC, {title}")
    det.set(xlabel="APCER", ylabel="BPCER", title="DET", xscale="log", yscale="log")
    det.set_xticks(DET_TICKS, [f"{100 * tick:g} %" for tick in DET_TICKS])
    det.set_yticks(DET_TICKS, [f"{100 * tick:g} %" for tick in DET_TICKS])
    for axes in (roc, det):
        axes.grid(alpha=0.3)
    roc.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
