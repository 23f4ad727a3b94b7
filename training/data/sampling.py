"""Which forms of which pictures an epoch shows: every source and label about equally often.

Drawn anew for each epoch from the seed and the epoch's number alone, so that a run that
was broken off goes on exactly as it would have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from facekey.core.types import Floats, Pixels
from training.data.bank import Looks

FULL_PICTURES = 150  # a cell of fewer pictures is drawn less often, or it would be learned by heart


@dataclass(frozen=True, slots=True)
class Cell:
    """Forms of one source and label.

    Attributes:
        looks: the source.
        rows: (K,) which of its forms.
        weight: how often the cell is drawn, against the others.
    """

    looks: Looks = field(repr=False)
    rows: NDArray[np.intp] = field(repr=False)
    weight: float


def cells(looks: Looks, keep: NDArray[np.bool_], *, weight: float = 1.0) -> list[Cell]:
    """The cells of one source.

    Args:
        looks: the source.
        keep: (pictures,) bool, which of its pictures may be trained on.
        weight: how often each label of it is drawn, against another source.
    """
    rows = looks.only(keep)
    found = []
    for live in (True, False):
        of_label = rows[looks.live[rows] == live]
        if len(of_label):
            pictures = len(np.unique(looks.picture[of_label]))
            found.append(Cell(looks, of_label, weight * min(1.0, pictures / FULL_PICTURES)))
    return found


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees.

    Attributes:
        pixels: (B, CROP_PX, CROP_PX, 3) uint8 RGB.
        live: (B,) float32, 1 for live.
        answers: (B, T) float32, what the teachers said.
    """

    pixels: Pixels = field(repr=False)
    live: Floats = field(repr=False)
    answers: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's forms, in order.

    Attributes:
        cell: (L,) which cell each comes from.
        rows: (L,) which form of the cell's source.
        mirrored: (L,) bool.
    """

    cells: Sequence[Cell] = field(repr=False)
    cell: NDArray[np.intp] = field(repr=False)
    rows: NDArray[np.intp] = field(repr=False)
    mirrored: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def draw(cls, source: Sequence[Cell], *, seed: int, number: int, length: int) -> "Epoch":
        """Decide what epoch `number` shows."""
        rng = np.random.default_rng((seed, number))
        weights = np.array([cell.weight for cell in source])
        # Shares are exact but for rounding: chance must not leave a small set out.
        counts = np.floor(np.cumsum(weights / weights.sum()) * length + 0.5).astype(int)
        counts = np.diff(counts, prepend=0)
        rows = [_spread(cell.rows, int(count), rng) for cell, count in zip(source, counts, strict=True)]
        order = rng.permutation(length)
        places = np.repeat(np.arange(len(source)), counts)
        return cls(source, places[order], np.concatenate(rows)[order], rng.random(length) < 0.5)

    def batch(self, start: int, size: int) -> Batch:
        """The forms from place `start` on."""
        span = slice(start, start + size)
        pixels, live, answers = [], [], []
        for cell, row, mirrored in zip(self.cell[span], self.rows[span], self.mirrored[span], strict=True):
            looks = self.cells[cell].looks
            pixels.append(looks.pixels[row, :, ::-1] if mirrored else looks.pixels[row])
            live.append(looks.live[row])
            answers.append(looks.answers[row])
        return Batch(np.stack(pixels), np.array(live, np.float32), np.stack(answers).astype(np.float32))


def _spread(rows: NDArray[np.intp], count: int, rng: Generator) -> NDArray[np.intp]:
    """`count` of the rows: each as often as the others, give or take one."""
    whole, rest = divmod(count, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.choice(rows, rest, replace=False)])
