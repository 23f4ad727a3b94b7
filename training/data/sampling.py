"""Which pictures an epoch shows, and in which order: every source and label equally often.

Drawn anew for each epoch from the seed and the epoch's number alone, so that a run that
was broken off goes on exactly as it would have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from facekey.core.types import Pixels
from training.data.attacks import simulate
from training.data.augment import augment
from training.data.crops import CropSet

SIMULATED_SHARE = 0.15  # of the live draws of a labelled set that become simulated attacks
PLAN, PICTURE = 0, 1  # keeps the two kinds of random numbers of an epoch apart


@dataclass(frozen=True, slots=True)
class Cell:
    """Pictures of one source and label.

    Attributes:
        rows: (K,) their places in the pool.
        weight: how often the cell is drawn, against the others.
        simulated: the share of its draws that are turned into a simulated attack.
    """

    rows: NDArray[np.intp] = field(repr=False)
    weight: float
    simulated: float


@dataclass(frozen=True, slots=True)
class Pool:
    """All that a network may be trained on.

    Attributes:
        pixels: (N, STORED_PX, STORED_PX, 3) uint8 RGB.
        live: (N,) bool.
        cells: every row in exactly one.
    """

    pixels: Pixels = field(repr=False)
    live: NDArray[np.bool_] = field(repr=False)
    cells: tuple[Cell, ...]


def pool(labelled: Sequence[CropSet], live_only: Sequence[CropSet], *, live_weight: float = 0.75) -> Pool:
    """Put the sets together.

    Args:
        labelled: sets with both labels, or one.
        live_only: sets of live people without any attack. Half of what is drawn from them
            is turned into simulated attacks, so that the source gives no label away.
        live_weight: how often each of them is drawn for each label, against a labelled set.
    """
    cells, start = [], 0
    for crops in labelled:
        for live in (True, False):
            rows = np.flatnonzero(crops.live == live) + start
            if len(rows):
                cells.append(Cell(rows, 1.0, SIMULATED_SHARE if live else 0.0))
        start += len(crops.live)
    for crops in live_only:
        cells.append(Cell(np.arange(len(crops.live)) + start, 2 * live_weight, 0.5))
        start += len(crops.live)
    everything = [*labelled, *live_only]
    return Pool(
        np.concatenate([crops.pixels for crops in everything]),
        np.concatenate([crops.live for crops in everything]),
        tuple(cells),
    )


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's pictures; reading one is a pure function of seed, epoch and place.

    Attributes:
        rows: (L,) which crops of the pool.
        attacked: (L,) bool, which of them are turned into simulated attacks.
    """

    source: Pool = field(repr=False)
    seed: int
    number: int
    rows: NDArray[np.intp] = field(repr=False)
    attacked: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def draw(cls, source: Pool, *, seed: int, number: int, length: int) -> "Epoch":
        """Decide what epoch `number` shows."""
        rng = np.random.default_rng((seed, number, PLAN))
        weights = np.array([cell.weight for cell in source.cells])
        # Shares are exact but for rounding: chance must not leave a small set out.
        counts = np.floor(np.cumsum(weights / weights.sum()) * length + 0.5).astype(int)
        counts = np.diff(counts, prepend=0)
        rows, attacked = [], []
        for cell, count in zip(source.cells, counts, strict=True):
            rows.append(_spread(cell.rows, int(count), rng))
            attacked.append(rng.random(count) < cell.simulated)
        order = rng.permutation(length)
        return cls(source, seed, number, np.concatenate(rows)[order], np.concatenate(attacked)[order])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> tuple[Pixels, np.float32]:
        """The picture as the network gets it, (CROP_PX, CROP_PX, 3) uint8 RGB, and 1 for live."""
        if not 0 <= place < len(self.rows):
            raise IndexError(place)
        rng = np.random.default_rng((self.seed, self.number, PICTURE, place))
        row = self.rows[place]
        pixels, live = self.source.pixels[row], bool(self.source.live[row])
        if live and self.attacked[place]:
            pixels, live = simulate(pixels, rng), False
        return augment(pixels, rng), np.float32(live)


def _spread(rows: NDArray[np.intp], count: int, rng: Generator) -> NDArray[np.intp]:
    """`count` of the rows: each as often as the others, give or take one."""
    whole, rest = divmod(count, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.choice(rows, rest, replace=False)])
