"""The 3-4-3-1 authentication head as a torch module whose answer rises with every input.

Each hidden unit has a polarity: it rises with the inputs, or falls. A weight between two
units of one polarity is positive, between different ones negative, so more evidence can
never lower the probability (the sign rule of Sill, "Monotonic Networks", NIPS 1997).
Falling units are needed: with rising ones alone the answer is a convex function of its
inputs, and "match AND live" isn't one.

Input:    (N, 3) float32: match, liveness, quality of `facekey.core.head.HeadInput`
Output:   (N,) float32 logit of "genuine and live"
Weights:  made by training/train_head.py, models/weights/head.json
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from facekey.core.head import LAYERS

POLARITIES = (
    (1.0, 1.0, 1.0),  # the inputs
    (1.0, -1.0, -1.0, -1.0),
    (1.0, -1.0, -1.0),
    (1.0,),
)
START_SCALE = 0.5


class MonotoneHead(nn.Module):
    """The network while it is trained; `weights` gives what `core.head.Head` takes."""

    def __init__(self, *, seed: int) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        self.raw = nn.ParameterList(
            [nn.Parameter(torch.randn(shape, generator=random) * START_SCALE) for shape in LAYERS]
        )
        # Alive at the start: a unit whose answer is 0 everywhere would never learn.
        self.biases = nn.ParameterList(
            [nn.Parameter((torch.randn(rows, generator=random) + 1.0) * START_SCALE) for rows, _ in LAYERS]
        )

    def weights(self) -> list[Tensor]:
        """The three weight matrices, with the signs that the polarities ask for."""
        found = []
        for index, raw in enumerate(self.raw):
            before, after = torch.tensor(POLARITIES[index]), torch.tensor(POLARITIES[index + 1])
            found.append(functional.softplus(raw) * after[:, None] * before[None, :])
        return found

    def forward(self, inputs: Tensor) -> Tensor:
        """Logit: (N, 3) -> (N,)."""
        first, second, third = self.weights()
        x = functional.relu(functional.linear(inputs, first, self.biases[0]))  # (N, 4)
        x = functional.relu(functional.linear(x, second, self.biases[1]))  # (N, 3)
        return cast(Tensor, functional.linear(x, third, self.biases[2]))[:, 0]
