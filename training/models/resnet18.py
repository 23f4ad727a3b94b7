"""ResNet-18, slim or full width, with one output: the logit of a live face.

Paper:    He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
          https://arxiv.org/abs/1512.03385 (the 18-layer network of table 1)
Input:    (N, 3, S, S) float32, RGB, 0..255. The first layer gives every channel of every
          picture mean 0 and variance 1: exposure and colour cast differ from camera to
          camera, and a network that may look at them learns the cameras. With `colour` it
          sees the picture as it is as well, because haze and gamut tell of screens and paper
Output:   (N,) float32, positive for live
Weights:  made by training/train_liveness.py; width 64 is the paper's network (11.2 M
          parameters), width 32 the slim one that ships (2.8 M)
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

MIN_VARIANCE = 1.0  # grey levels squared; keeps a black picture finite, and its noise small
RAW_MEAN, RAW_SCALE = 128.0, 64.0  # grey levels; puts pixels at about mean 0 and deviation 1
BLOCKS = (2, 2, 2, 2)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a short cut around them."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.short_conv: nn.Conv2d | None = None
        if inside != outside or stride != 1:
            self.short_conv = nn.Conv2d(inside, outside, 1, stride, bias=False)
            self.short_norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inside, H, W) -> (N, outside, H / stride, W / stride)."""
        short = x if self.short_conv is None else self.short_norm(self.short_conv(x))
        x = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(x)) + short)


class ResNet18(nn.Module):
    """The network. `width` is the number of channels of the first stage."""

    def __init__(self, *, width: int = 32, colour: bool = False, dropout: float = 0.2) -> None:
        super().__init__()
        self.width, self.colour = width, colour
        self.stem = nn.Conv2d(6 if colour else 3, width, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        blocks: list[BasicBlock] = []
        channels = width
        for stage, count in enumerate(BLOCKS):
            outside = width * 2**stage
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(BasicBlock(channels, outside, stride))
                channels = outside
        self.blocks = nn.Sequential(*blocks)
        self.features = channels
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(channels, 1)
        self._start()

    def forward(self, pixels: Tensor) -> Tensor:
        """Logit of "live": (N, 3, S, S) float32 0..255 -> (N,)."""
        return self.answer(self.describe(pixels))

    def describe(self, pixels: Tensor) -> Tensor:
        """What is seen: (N, 3, S, S) float32 0..255 -> (N, features)."""
        x = functional.instance_norm(pixels, eps=MIN_VARIANCE)  # (N, 3, S, S)
        if self.colour:
            x = torch.cat([x, (pixels - RAW_MEAN) / RAW_SCALE], dim=1)  # (N, 6, S, S)
        x = self.pool(functional.relu(self.stem_norm(self.stem(x))))  # (N, width, S/4, S/4)
        x = self.blocks(x)  # (N, 8 width, S/32, S/32)
        return x.mean(dim=(2, 3))  # (N, 8 width)

    def answer(self, features: Tensor) -> Tensor:
        """Logit of "live" from what is seen: (N, features) -> (N,)."""
        return cast(Tensor, self.last(self.dropout(features)))[:, 0]

    def _start(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                # Each block starts as its short cut alone, which steadies the first epochs
                # (Goyal et al., "Accurate, Large Minibatch SGD", 2017).
                nn.init.zeros_(module.norm2.weight)


class Pupil(nn.Module):
    """A network with the layer that foretells what its teachers say; training only."""

    def __init__(self, network: ResNet18, answers: int) -> None:
        super().__init__()
        self.network = network
        self.foretell = nn.Linear(network.features, answers) if answers else None

    def forward(self, pixels: Tensor, label_share: float, bfloat16: bool) -> tuple[Tensor, Tensor | None]:
        """Both answers, in one pass: the logit of "live" and what the teachers would say.

        Args:
            pixels: (N, 3, S, S) float32 0..255.
            label_share: how much of the label's gradient reaches what the network looks for.
            bfloat16: compute in 16 bits where it is safe.

        Returns:
            (N,) and (N, answers); None where there are no teachers.
        """
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=bfloat16):
            seen = self.network.describe(pixels)
        seen = seen.float()
        share = label_share if self.foretell is not None else 1.0
        answer = self.network.answer(seen * share + seen.detach() * (1 - share))
        return answer, None if self.foretell is None else self.foretell(seen)


def to_input(pixels: Tensor) -> Tensor:
    """Crops as they are stored to what the network takes: (N, S, S, 3) uint8 -> (N, 3, S, S) float32."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32)
