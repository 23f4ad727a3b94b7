"""Fusion of several recognition networks' embeddings into one, as a torch module.

A linear adapter for each network takes its vector into 512 dimensions; their sum is
corrected by three layers and made a unit vector. At the start the layers correct nothing
and the adapters keep inner products, so that the fused cosine *is* the score fusion the
adapters were started with; training moves on from there, and can't begin worse.

Input:    for each network (N, D) float32 unit vectors, or zeros where it isn't there
Output:   (N, 512) float32, L2 norm 1
Weights:  made by training/train_fusion.py, models/weights/fusion_embedding.onnx

Networks are left out at random while it trains ("modality dropout", Neverova et al.,
"ModDrop", IEEE TPAMI 38(8), 2016, https://arxiv.org/abs/1501.00102), so that any subset works.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from facekey.core.types import Floats

DIM = 512
HIDDEN = 256


class FusionNetwork(nn.Module):
    """Adapters, their sum, three layers beside it."""

    def __init__(self, adapters: Sequence[Floats]) -> None:
        """Start from adapters, (512, D) for each network."""
        super().__init__()
        self.adapters = nn.ModuleList([nn.Linear(start.shape[1], DIM, bias=False) for start in adapters])
        for layer, start in zip(self.adapters, adapters, strict=True):
            cast(nn.Linear, layer).weight.data.copy_(torch.from_numpy(start))
        last = nn.Linear(HIDDEN, DIM)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(DIM, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), last
        )

    def forward(self, *vectors: Tensor) -> Tensor:
        """One tensor for each network, in the order of the adapters."""
        joined = torch.stack(
            [adapter(vector) for adapter, vector in zip(self.adapters, vectors, strict=True)]
        ).sum(dim=0)  # (N, 512)
        # Of length 1 before the layers: a subset of the networks must look to them like all.
        joined = functional.normalize(joined, dim=1)
        return functional.normalize(joined + self.layers(joined), dim=1)
