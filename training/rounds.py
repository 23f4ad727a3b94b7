"""Rounds of leave-one-out: what each network said of the sets it never saw, kept in the run's folder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekey.core.types import Floats, Pixels
from training.data.crops import CropSet
from training.data.split import ALL, Fold
from training.evaluate.attack_rates import Scored
from training.material import Material

SCORES = "scores.npz"
HELD_OUT, BOUNDING, LIVE = "held_out", "bounding", "live"


@dataclass(frozen=True, slots=True)
class Round:
    """What one network said.

    Attributes:
        name: the fold.
        held_out: labelled sets it never saw.
        bounding: live people it never saw, who bound the threshold.
        live: live people it never saw, only judged.
    """

    name: str
    held_out: tuple[Scored, ...]
    bounding: tuple[Scored, ...]
    live: tuple[Scored, ...]


def judge_round(fold: Fold, logits: Callable[[Pixels], Floats], material: Material) -> Round:
    """Ask a network about all that it never saw.

    Args:
        fold: what was held out.
        logits: (N, CROP_PX, CROP_PX, 3) uint8 RGB -> (N,) float32.
        material: everything there is.
    """

    def scored(sets: Iterable[CropSet]) -> tuple[Scored, ...]:
        return tuple(
            Scored(crops.name, logits(crops.middle()), crops.live) for crops in sets if len(crops.live)
        )

    held_out = [shown.crops for shown in material.labelled if shown.crops.name in fold.held_out]
    return Round(fold.name, scored(held_out), scored(material.bounding), scored(material.judged))


def keep(one: Round, folder: Path) -> None:
    """Write down what a network said, for other networks' thresholds, the head and the report."""
    roles = ((HELD_OUT, one.held_out), (BOUNDING, one.bounding), (LIVE, one.live))
    rows = [(role, some) for role, sets in roles for some in sets]
    if rows:
        np.savez(
            folder / SCORES,
            roles=np.concatenate([np.full(len(some.live), role) for role, some in rows]),
            sets=np.concatenate([np.full(len(some.live), some.name) for _, some in rows]),
            logits=np.concatenate([some.logits for _, some in rows]),
            live=np.concatenate([some.live for _, some in rows]),
        )


def load(run: Path) -> tuple[list[Round], Round | None]:
    """All rounds of a run, and the network that was trained on everything."""
    rounds = [_read(path) for path in sorted(run.glob(f"without-*/{SCORES}"))]
    last = run / ALL.name / SCORES
    return rounds, _read(last) if last.exists() else None


def _read(path: Path) -> Round:
    with np.load(path) as stored:
        values = {name: stored[name] for name in stored.files}

    def of(role: str) -> tuple[Scored, ...]:
        names = values["sets"][values["roles"] == role]
        found = []
        for name in dict.fromkeys(names):  # in their order
            here = (values["roles"] == role) & (values["sets"] == name)
            found.append(Scored(str(name), values["logits"][here], values["live"][here]))
        return tuple(found)

    return Round(path.parent.name, of(HELD_OUT), of(BOUNDING), of(LIVE))
