"""Temporal LSTM: the features of several frames to the logit of a living person.

Paper:    Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997
Input:    (N, T, F) float32, the columns of `facekey.vision.liveness.motion.FEATURES`
Output:   (N,) float32, positive for live
Weights:  made by training/train_temporal.py

What the LSTM says of each frame is pooled over time, as mean and maximum: a blink counts
wherever in the window it comes.
"""

import torch
from torch import Tensor, nn


class TemporalLstm(nn.Module):
    """The network. The scaling of the features is part of it."""

    def __init__(self, *, features: int, hidden: int = 48, dropout: float = 0.3) -> None:
        super().__init__()
        self.hidden = hidden
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(2 * hidden, 1)

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """(N, T, F) and the (N,) true lengths -> (N,); what is beyond a length doesn't count."""
        out, _ = self.lstm((rows - self.mean) * self.scale)  # (N, T, hidden)
        here = (torch.arange(rows.shape[1])[None] < lengths[:, None])[..., None]
        mean = (out * here).sum(dim=1) / lengths[:, None]
        highest = out.masked_fill(~here, -1.0).amax(dim=1)  # an LSTM's output lies within -1..1
        pooled = torch.cat([mean, highest], dim=1)  # (N, 2 hidden)
        return self.last(self.dropout(pooled))[:, 0]
