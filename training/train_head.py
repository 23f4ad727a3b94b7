"""Train the authentication head: `python training/train_head.py --attempts attempts.npz --output head.json`.

Attempts are drawn from what `head_attempts.py` measured: a person against their own
reference (genuine) or a stranger's (impostor), live or with an attack, with the quality of
the probe. Only genuine and live is wanted. A third of the attempts is wanted, the rest are
equal parts of impostor and spoof, with a few that are both: the head's probability holds
for that mix. Two halves with other people and other
liveness sets judge each other; what ships learned from both.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.head import CLIP, Head, HeadInput
from facekey.core.metrics import area_under_roc
from facekey.core.types import Floats
from training import head_report
from training.git import commit
from training.models.head import MonotoneHead
from training.parallel import only_first
from training.progress import bar, say
from training.record import Run, recorded

MATCH_THRESHOLD = 4.0  # the product's default: one stranger in 10,000
WANTED, IMPOSTOR, SPOOF, BOTH = 0.34, 0.30, 0.30, 0.06
JUDGED_FOLDS = 5  # LFW folds 5..9
RATE = 0.02
SMOOTHING = 0.005  # no evidence here makes certain


@dataclass(frozen=True, slots=True)
class Measured:
    """The arrays of `head_attempts.py`, of one side of the split.

    Attributes:
        mated: (P,) evidence of a person against their own reference.
        stranger: (S,) of impostors.
        quality: (P,) overall quality of the probes, 0..1.
        live: log-odds above the threshold of live captures, one array for each set.
        spoof: the same of attacks.
    """

    mated: Floats
    stranger: Floats
    quality: Floats
    live: tuple[Floats, ...]
    spoof: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Attempts:
    """Inputs (N, 3) as `HeadInput` and what they are: 1 for genuine and live."""

    inputs: Floats
    wanted: Floats


def main(arguments: list[str] | None = None) -> None:
    """Train, judge on other people and other sets, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--attempts", required=True, type=Path, help="made by head_attempts.py")
    parser.add_argument("--output", required=True, type=Path, help="head.json")
    parser.add_argument("--report", type=Path, help="a folder for head_report.json and reliability.png")
    parser.add_argument("--count", type=int, default=40_000, help="attempts to draw")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)

    only_first("train_head")
    with recorded(given.report or Path("runs/head"), "train_head", given) as run:
        _run(given, run)


def _run(given: argparse.Namespace, run: Run) -> None:
    run.reads(given.attempts)
    with np.load(given.attempts) as stored:
        values = {name: stored[name] for name in stored.files}
    rng = np.random.default_rng(given.seed)
    halves = [draw(side(values, judged=judged), given.count, rng) for judged in (False, True)]
    # Each half is judged by a head that learned from the other; what ships learned from both.
    heads = [train(half, steps=given.steps, seed=given.seed) for half in halves]
    said = np.concatenate([probabilities(heads[1], halves[0]), probabilities(heads[0], halves[1])])
    both = Attempts(
        *(np.concatenate([getattr(half, part) for half in halves]) for part in ("inputs", "wanted"))
    )
    figures = judge(said, both)
    say(json.dumps(figures))
    head = train(both, steps=given.steps, seed=given.seed)
    born = _write(given.output, head, figures, values, given.count)
    run.figures_of(figures)
    run.made(given.output)
    if given.report is not None:
        found = head_report.measure(said, both.inputs, both.wanted > 0.5)
        head_report.write(given.report, found, born)
        run.figure("calibration_error", found.calibration_error)
        run.plot(given.report / "reliability.png")
        say(
            f"calibration error {found.calibration_error:.3f}; wanted through the thresholds "
            f"{found.thresholds_wanted.value:.4f} at {found.thresholds_unwanted.value:.4f} of the unwanted, "
            f"through the head {found.head_wanted.value:.4f}; AUC {found.auc:.4f}, of the weaker evidence "
            f"{found.auc_of_weaker:.4f}"
        )


def side(values: dict[str, NDArray[np.generic]], *, judged: bool) -> Measured:
    """One half: LFW folds by number, liveness sets by turns in order of their names."""
    here = (values["fold"] >= JUDGED_FOLDS) == judged
    stranger = np.concatenate([values["chance_evidence"][here], values["nearest_evidence"][here]])
    names, live = values["liveness_set"], values["liveness_live"].astype(bool)

    def halves(of_live: bool) -> tuple[Floats, ...]:
        having = [name for name in np.unique(names) if np.any((names == name) & (live == of_live))]
        return tuple(
            values["liveness"][(names == name) & (live == of_live)].astype(np.float32)
            for name in having[int(judged) :: 2]
        )

    return Measured(
        values["mated_evidence"][here].astype(np.float32),
        stranger.astype(np.float32),
        values["quality"][here].astype(np.float32),
        halves(True),
        halves(False),
    )


def draw(measured: Measured, count: int, rng: Generator) -> Attempts:
    """Put attempts together; every liveness set is drawn equally often."""
    kind = rng.choice(4, count, p=(WANTED, IMPOSTOR, SPOOF, BOTH))
    stranger, attack = np.isin(kind, (1, 3)), np.isin(kind, (2, 3))
    match = np.where(stranger, rng.choice(measured.stranger, count), rng.choice(measured.mated, count))
    liveness = np.where(attack, _by_set(measured.spoof, count, rng), _by_set(measured.live, count, rng))
    quality = rng.choice(measured.quality, count)
    inputs = np.stack(
        [
            np.clip(match - MATCH_THRESHOLD, -CLIP, CLIP),
            np.clip(liveness, -CLIP, CLIP),
            4.0 * (quality - 0.5),
        ],
        axis=1,
    )
    return Attempts(inputs.astype(np.float32), (kind == 0).astype(np.float32))


def train(attempts: Attempts, *, steps: int, seed: int) -> Head:
    """Fit the head. All attempts in every step: it has 35 numbers."""
    torch.manual_seed(seed)
    network = MonotoneHead(seed=seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    inputs, wanted = torch.from_numpy(attempts.inputs), torch.from_numpy(attempts.wanted)
    target = wanted * (1 - 2 * SMOOTHING) + SMOOTHING
    for _ in bar(range(steps), "training the head", steps):
        loss = binary_cross_entropy_with_logits(network(inputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    first, second, third = (weight.detach().numpy().astype(np.float32) for weight in network.weights())
    biases = [bias.detach().numpy().astype(np.float32) for bias in network.biases]
    return Head((first, second, third), (biases[0], biases[1], biases[2]))


def judge(probability: NDArray[np.float64], attempts: Attempts) -> dict[str, float]:
    """AUC, log loss and the rates at a probability of one half, on attempts it didn't learn from."""
    wanted = attempts.wanted > 0.5
    loss = -np.log(np.where(wanted, probability, 1 - probability)).mean()
    return {
        "auc": round(area_under_roc(probability[wanted], probability[~wanted]), 4),
        "log_loss": round(float(loss), 4),
        "wanted_below_half": round(float((probability[wanted] < 0.5).mean()), 4),
        "unwanted_above_half": round(float((probability[~wanted] >= 0.5).mean()), 4),
    }


def probabilities(head: Head, attempts: Attempts) -> NDArray[np.float64]:
    """What the head says of each attempt."""
    inputs = (HeadInput(float(m), float(v), float(q)) for m, v, q in attempts.inputs)
    return np.array([head.probability(one) for one in inputs])


def _by_set(sets: tuple[Floats, ...], count: int, rng: Generator) -> Floats:
    chosen = rng.integers(0, len(sets), count)
    values = np.empty(count, np.float32)
    for index, some in enumerate(sets):
        here = chosen == index
        values[here] = rng.choice(some, int(here.sum()))
    return values


def _write(
    path: Path, head: Head, figures: dict[str, float], values: dict[str, NDArray[np.generic]], count: int
) -> dict[str, object]:
    rounded = 5  # places; far finer than the data behind them
    born: dict[str, object] = {
        "data": f"LFW, {len(values['fold'])} mated pairs; liveness scores of {len(values['liveness'])} "
        f"faces in {len(np.unique(values['liveness_set']))} sets, each by a network that never saw it",
        "protocol": "34 % genuine and live, 30 % impostor, 30 % spoof, 6 % both; half of the impostors "
        "the nearest stranger; each half of people and sets judged by the other",
        "networks": str(values["networks"]),
        "comparisons": count,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "judged": figures,
    }
    document = {
        "weights": [np.round(weight.astype(float), rounded).tolist() for weight in head.weights],
        "biases": [np.round(bias.astype(float), rounded).tolist() for bias in head.biases],
        "born": born,
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return born


if __name__ == "__main__":
    main()
