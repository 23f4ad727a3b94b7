"""Training the network that fuses embeddings: one person's pictures together, others apart.

Some people are kept apart; of all epochs, the start among them, the one that ships is the one
that separates *them* best, so training can't end worse than it began by more than chance.

Each step shows two views of each of some people: two of their pictures, or one and its
mirror image. Every view must find the other among all (InfoNCE, van den Oord et al.,
"Representation Learning with Contrastive Predictive Coding", 2018,
https://arxiv.org/abs/1807.03748), with a random subset of the networks at hand.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn import functional

from facekey.core.metrics import threshold_at_fmr
from facekey.core.types import Floats, ModelId
from training.data.embedded import Embedded
from training.models.fusion import DIM, FusionNetwork
from training.progress import bar

PEOPLE_A_STEP = 512
TEMPERATURE = 0.05
KEPT_APART = 8  # every eighth person
JUDGED_FMR, SOFTNESS = 1e-3, 0.05
ALL_AT_ONCE = 0.5  # share of the steps with every network; in the others any subset


def adapters_of(
    networks: Sequence[ModelId], weights: Sequence[float], given: Embedded, rows: NDArray[np.int64]
) -> list[Floats]:
    """Adapters that keep a weighted sum of cosines as well as 512 dimensions can.

    Args:
        networks: in order.
        weights: of their cosines, adding up to 1.
        given: the set.
        rows: pictures whose directions count where there are more than 512 dimensions.
    """
    scaled = np.concatenate(
        [
            given.straight[model][rows] * np.sqrt(weight)
            for model, weight in zip(networks, weights, strict=True)
        ],
        axis=1,
    ).astype(np.float64)  # (R, sum of D)
    directions = np.linalg.eigh(scaled.T @ scaled)[1][:, ::-1][:, :DIM].T  # (512 or fewer, sum of D)
    basis = np.zeros((DIM, scaled.shape[1]))
    basis[: len(directions)] = directions
    sizes = np.cumsum([given.straight[model].shape[1] for model in networks])[:-1]
    return [
        (part * np.sqrt(weight)).astype(np.float32)
        for part, weight in zip(np.split(basis, sizes, axis=1), weights, strict=True)
    ]


def train(
    networks: Sequence[ModelId],
    adapters: Sequence[Floats],
    given: Embedded,
    rows: NDArray[np.int64],
    *,
    epochs: int,
    rate: float,
    seed: int,
    label: str,
) -> FusionNetwork:
    """Train on the people of some rows; the epoch that is best for those kept apart."""
    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    fusion = FusionNetwork(adapters)
    apart = np.isin(given.people, dice.permutation(np.unique(given.people[rows]))[::KEPT_APART])
    judges = rows[apart[rows]]
    rows = rows[~apart[rows]]
    people = [rows[given.people[rows] == person] for person in np.unique(given.people[rows])]
    best, kept = _miss(fusion, networks, given, judges), copy.deepcopy(fusion.state_dict())
    views = {
        model: torch.from_numpy(np.stack([given.straight[model], given.mirrored[model]]))
        for model in networks
    }
    steps = max(1, len(people) // PEOPLE_A_STEP)
    optimizer = torch.optim.AdamW(fusion.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    fusion.train()
    for _ in bar(range(epochs), label, epochs):
        order = dice.permutation(len(people))
        for step in range(steps):
            chosen = [people[at] for at in order[step * PEOPLE_A_STEP : (step + 1) * PEOPLE_A_STEP]]
            left, right = _two_views(chosen, dice)
            heard = _heard(len(networks), dice)
            sides = []
            for side, flip in (left, right):
                vectors = [
                    views[model][flip, side] if use else torch.zeros_like(views[model][flip, side])
                    for model, use in zip(networks, heard, strict=True)
                ]
                sides.append(fusion(*vectors))
            likeness = sides[0] @ sides[1].T / TEMPERATURE  # (P, P)
            target = torch.arange(len(chosen))
            loss = functional.cross_entropy(likeness, target) + functional.cross_entropy(likeness.T, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        missed = _miss(fusion, networks, given, judges)
        if missed < best:
            best, kept = missed, copy.deepcopy(fusion.state_dict())
    fusion.load_state_dict(kept)
    return fusion.eval()


def _miss(
    fusion: FusionNetwork, networks: Sequence[ModelId], given: Embedded, rows: NDArray[np.int64]
) -> float:
    """How far mated pairs fall below the line that one stranger in 1,000 reaches, softly counted."""
    vectors = fused(fusion, networks, networks, given, rows)
    pairs = np.triu_indices(len(rows), 1)
    scores = (vectors @ vectors.T)[pairs]
    mated = given.people[rows][pairs[0]] == given.people[rows][pairs[1]]
    line = threshold_at_fmr(scores[~mated], JUDGED_FMR)
    return float(np.logaddexp(0.0, (line - scores[mated]) / SOFTNESS).mean())


def fused(
    fusion: FusionNetwork,
    networks: Sequence[ModelId],
    heard: Sequence[ModelId],
    given: Embedded,
    rows: NDArray[np.int64] | None = None,
) -> Floats:
    """Fused vectors of every picture, or of some rows, with some of the networks, (N, 512)."""
    some = slice(None) if rows is None else rows
    vectors = [
        torch.from_numpy(given.straight[model][some] * np.float32(model in heard)) for model in networks
    ]
    with torch.no_grad():
        return np.asarray(fusion(*vectors).numpy(), np.float32)


View = tuple[torch.Tensor, torch.Tensor]


def _two_views(people: Sequence[NDArray[np.int64]], dice: Generator) -> tuple[View, View]:
    """Rows and whether they are mirrored: different pictures of a person, or both sides of the one."""
    rows, flips = np.empty((2, len(people)), np.int64), np.empty((2, len(people)), np.int64)
    for place, pictures in enumerate(people):
        if len(pictures) > 1:
            rows[:, place] = dice.choice(pictures, 2, replace=False)
            flips[:, place] = dice.integers(0, 2, 2)
        else:
            rows[:, place], flips[:, place] = pictures[0], (0, 1)
    left, right = ((torch.from_numpy(rows[at]), torch.from_numpy(flips[at])) for at in (0, 1))
    return (left[0], left[1]), (right[0], right[1])


def _heard(count: int, dice: Generator) -> list[bool]:
    if dice.random() < ALL_AT_ONCE:
        return [True] * count
    subset = int(dice.integers(1, 2**count))
    return [bool(subset >> place & 1) for place in range(count)]
