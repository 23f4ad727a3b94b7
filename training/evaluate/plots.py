"""ROC and DET curves of held-out sets, one picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from training.evaluate.pad import Scored

mpl.use("Agg")
from matplotlib import pyplot as plt

DET_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
DPI = 130


def draw(sets: Sequence[Scored], path: Path) -> None:
    """Draw BPCER against APCER of every set that has both labels."""
    figure, (roc, det) = plt.subplots(1, 2, figsize=(12, 5.5))
    for scored in sets:
        live, spoof = np.sort(scored.logits[scored.live]), np.sort(scored.logits[~scored.live])
        if not (len(live) and len(spoof)):
            continue
        thresholds = np.unique(np.concatenate([live, spoof]))
        bpcer = np.searchsorted(live, thresholds) / len(live)
        apcer = 1 - np.searchsorted(spoof, thresholds) / len(spoof)
        roc.plot(apcer, 1 - bpcer, label=scored.name)
        edge = (0.5 / len(spoof), 0.5 / len(live))  # a log axis has no zero
        det.plot(np.maximum(apcer, edge[0]), np.maximum(bpcer, edge[1]), label=scored.name)
    roc.set(xlabel="APCER", ylabel="1 - BPCER", title="ROC, sets the network never saw")
    det.set(xlabel="APCER", ylabel="BPCER", title="DET", xscale="log", yscale="log")
    det.set_xticks(DET_TICKS, [f"{100 * tick:g} %" for tick in DET_TICKS])
    det.set_yticks(DET_TICKS, [f"{100 * tick:g} %" for tick in DET_TICKS])
    for axes in (roc, det):
        axes.grid(alpha=0.3)
    roc.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
