"""IResNet: the body of ArcFace, with 50 or 100 layers.

Paper:    Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition",
          CVPR 2019, https://arxiv.org/abs/1801.07698; the block is that of Duta et al.,
          "Improved Residual Networks for Image and Video Recognition", 2020,
          https://arxiv.org/abs/2004.04989, as ArcFace's authors use it
Input:    (N, 3, 112, 112) float32 RGB, (x - 127.5) / 127.5
Output:   (N, 512) float32, not normalised
Weights:  checkpoints of insightface's arcface_torch fit: the names of the layers are theirs
          (`layer1.0.bn1.weight`, ..., `features.running_var`)
"""

from torch import Tensor, nn

CROP_PX = 112
DIM = 512
STAGES = (64, 128, 256, 512)
CELLS = CROP_PX // 2 ** len(STAGES)  # a side of the last map

BLOCKS = {"iresnet50": (3, 4, 14, 3), "iresnet100": (3, 13, 30, 3)}
"""Blocks of each stage."""


class IBlock(nn.Module):
    """Norm, convolution, norm, PReLU, convolution, norm, and a short cut around them."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.prelu = nn.PReLU(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inside, H, W) -> (N, outside, H / stride, W / stride)."""
        short = x if self.downsample is None else self.downsample(x)
        x = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(x)) + short


class IResNet(nn.Module):
    """The network. `blocks` is how many of them each of the four stages has."""

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STAGES[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STAGES[0])
        self.prelu = nn.PReLU(STAGES[0])
        inside = STAGES[0]
        for stage, (channels, count) in enumerate(zip(STAGES, blocks, strict=True), start=1):
            first = [IBlock(inside, channels, 2)]
            rest = [IBlock(channels, channels, 1) for _ in range(count - 1)]
            self.add_module(f"layer{stage}", nn.Sequential(*first, *rest))
            inside = channels
        self.bn2 = nn.BatchNorm2d(inside)
        self.fc = nn.Linear(inside * CELLS * CELLS, DIM)
        self.features = nn.BatchNorm1d(DIM)

    def stages(self) -> tuple[nn.Sequential, ...]:
        """The four stages, in order."""
        found = (self.get_submodule(f"layer{stage}") for stage in range(1, len(STAGES) + 1))
        return tuple(stage for stage in found if isinstance(stage, nn.Sequential))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 112, 112) float32 as in this file's header -> (N, 512)."""
        x = self.prelu(self.bn1(self.conv1(x)))
        for stage in self.stages():
            x = stage(x)
        return self.features(self.fc(self.bn2(x).flatten(1)))  # (N, 512)
