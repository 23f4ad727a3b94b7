"""The report of a temporal training: what networks said of sequences they never saw.

Live people and attacks are listed by kind. Filmed attacks stand apart: most replay a video,
in which a real person blinks and turns, and movement can't tell that from the person.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facekey.core.metrics import area_under_roc
from facekey.core.types import Floats
from training.data.sequences import Window
from training.evaluate.attack_rates import Platt, Rate, Scored, calibrate
from training.evaluate.plots import draw
from training.record_sequences import RECAPTURED, REPLAY

if TYPE_CHECKING:
    from training.train_temporal import Recipe

LINE = 0.5  # of the calibrated probability; the fused score decides, not this one


@dataclass(frozen=True, slots=True)
class Judged:
    """One round: windows whose sources the network never saw, and its logits, (N,)."""

    name: str
    windows: tuple[Window, ...]
    logits: Floats = field(repr=False)


def write(folder: Path, recipe: "Recipe", rounds: Sequence[Judged]) -> str:
    """Write report.json, report.md and curves.png; give the report's text."""
    every = [window for one in rounds for window in one.windows]
    logits = np.concatenate([one.logits for one in rounds])
    live = np.array([window.live for window in every])
    drawn = np.array([window.drawn for window in every])
    video = np.array([window.attack in (RECAPTURED, REPLAY) for window in every])
    kinds = np.array([_kind(window) for window in every])
    moved = ~live & ~video
    calibration = calibrate(
        [
            # Filmed people stand against drawn pictures as well: nobody filmed moved photos.
            Scored("filmed", logits[(live & ~drawn) | moved], live[(live & ~drawn) | moved]),
            Scored("drawn", logits[(live & drawn) | moved], live[(live & drawn) | moved]),
        ]
    )
    probability = calibration.probability(logits)
    lines = ["| Kind | windows | called live at 0.5 (95 % interval) | median |", "|---|---|---|---|"]
    rows = []
    for kind in sorted(set(kinds)):
        here = kinds == kind
        rate = Rate.of(int((probability[here] >= LINE).sum()), int(here.sum()))
        rows.append({"kind": kind, **asdict(rate), "median": float(np.median(probability[here]))})
        lines.append(
            f"| {kind} | {rate.count} | {100 * rate.value:.1f} % ({100 * rate.low:.1f} to "
            f"{100 * rate.high:.1f}) | {np.median(probability[here]):.2f} |"
        )
    against = {
        "filmed people against moved pictures": (live & ~drawn, moved),
        "drawn people against moved pictures": (live & drawn, moved),
        "filmed people against filmed attacks": (live & ~drawn, video),
    }
    aucs = {
        name: area_under_roc(logits[people], logits[attacks])
        for name, (people, attacks) in against.items()
        if people.any() and attacks.any()
    }
    text = "\n\n".join(
        [
            "# Temporal training report",
            "\n".join(f"AUC, {name}: {value:.3f}" for name, value in aucs.items()),
            "\n".join(lines),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(text + "\n")
    report = {
        "recipe": asdict(recipe),
        "auc": {name: float(value) for name, value in aucs.items()},
        "kinds": rows,
        "windows": len(every),
        "calibration": _as_json(calibration),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    curves = [
        Scored(name, logits[people | attacks], live[people | attacks])
        for name, (people, attacks) in against.items()
    ]
    draw(curves, folder / "curves.png")
    return text


def _kind(window: Window) -> str:
    if window.drawn:
        return "drawn person" if window.live else f"drawn picture, {window.attack}"
    return f"filmed {'person' if window.live else 'attack'}, {window.source}"


def _as_json(calibration: Platt) -> dict[str, float]:
    return {"a": calibration.a, "b": calibration.b}
