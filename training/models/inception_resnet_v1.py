"""Inception-ResNet-v1: the body of FaceNet.

Paper:    Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and
          Clustering", CVPR 2015, https://arxiv.org/abs/1503.03832; the trunk is that of
          Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual
          Connections on Learning", 2016, https://arxiv.org/abs/1602.07261
Input:    (N, 3, 160, 160) float32 RGB, (x - 127.5) / 128
Output:   (N, 512) float32, L2 norm 1
Weights:  the files of facenet-pytorch fit, such as `20180402-114759-vggface2.pt`: the names
          of the layers are theirs. `facekey.zoo.convert.networks.inception_resnet_v1` makes
          the same network of them without torch
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

CROP_PX = 160
DIM = 512
EPSILON = 1e-3  # of every norm, as in training
TRUNK = 1792

Kernel = tuple[int, int]


class Conv(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(
        self, inside: int, outside: int, kernel: Kernel, *, stride: int = 1, padded: bool = False
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outside, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inside, H, W) -> (N, outside, H', W')."""
        return torch.relu(self.bn(self.conv(x)))


def padded_row(*channels: int, kernels: tuple[Kernel, ...]) -> nn.Module:
    """Padded convolutions one after the other; one alone is no row, and has no number in its name."""
    convs = [
        Conv(inside, outside, kernel, padded=True)
        for inside, outside, kernel in zip(channels, channels[1:], kernels, strict=False)
    ]
    return convs[0] if len(convs) == 1 else nn.Sequential(*convs)


class Residual(nn.Module):
    """Branches side by side, brought back to the trunk's width, scaled and added."""

    def __init__(
        self, channels: int, branches: list[nn.Module], width: int, *, scale: float, rectified: bool = True
    ) -> None:
        super().__init__()
        self.scale, self.rectified, self.count = scale, rectified, len(branches)
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)
        self.conv2d = nn.Conv2d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        sides = [self.get_submodule(f"branch{number}")(x) for number in range(self.count)]
        x = self.conv2d(torch.cat(sides, 1)) * self.scale + x
        return torch.relu(x) if self.rectified else x


class Reduction(nn.Module):
    """Branches that halve the resolution, beside a maximum over the picture."""

    def __init__(self, branches: list[nn.Module]) -> None:
        super().__init__()
        self.count = len(branches)
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, more, about H / 2, about W / 2)."""
        sides = [self.get_submodule(f"branch{number}")(x) for number in range(self.count)]
        return torch.cat([*sides, self.pool(x)], 1)


def block_35() -> Residual:
    """At a side of 17 for pictures of 160."""
    branches = [
        padded_row(256, 32, kernels=((1, 1),)),
        padded_row(256, 32, 32, kernels=((1, 1), (3, 3))),
        padded_row(256, 32, 32, 32, kernels=((1, 1), (3, 3), (3, 3))),
    ]
    return Residual(256, branches, 96, scale=0.17)


def block_17() -> Residual:
    """At a side of 8."""
    branches = [
        padded_row(896, 128, kernels=((1, 1),)),
        padded_row(896, 128, 128, 128, kernels=((1, 1), (1, 7), (7, 1))),
    ]
    return Residual(896, branches, 256, scale=0.10)


def block_8(*, scale: float = 0.20, rectified: bool = True) -> Residual:
    """At a side of 3."""
    branches = [
        padded_row(TRUNK, 192, kernels=((1, 1),)),
        padded_row(TRUNK, 192, 192, 192, kernels=((1, 1), (1, 3), (3, 1))),
    ]
    return Residual(TRUNK, branches, 384, scale=scale, rectified=rectified)


def reduction_a() -> Reduction:
    """256 to 896 channels."""
    deep = nn.Sequential(
        Conv(256, 192, (1, 1)), Conv(192, 192, (3, 3), padded=True), Conv(192, 256, (3, 3), stride=2)
    )
    return Reduction([Conv(256, 384, (3, 3), stride=2), deep])


def reduction_b() -> Reduction:
    """896 to 1792 channels."""
    return Reduction(
        [
            nn.Sequential(Conv(896, 256, (1, 1)), Conv(256, 384, (3, 3), stride=2)),
            nn.Sequential(Conv(896, 256, (1, 1)), Conv(256, 256, (3, 3), stride=2)),
            nn.Sequential(
                Conv(896, 256, (1, 1)), Conv(256, 256, (3, 3), padded=True), Conv(256, 256, (3, 3), stride=2)
            ),
        ]
    )


class InceptionResnetV1(nn.Module):
    """The network, without the classifier it was trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = Conv(3, 32, (3, 3), stride=2)
        self.conv2d_2a = Conv(32, 32, (3, 3))
        self.conv2d_2b = Conv(32, 64, (3, 3), padded=True)
        self.pool = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = Conv(64, 80, (1, 1))
        self.conv2d_4a = Conv(80, 192, (3, 3))
        self.conv2d_4b = Conv(192, 256, (3, 3), stride=2)
        self.repeat_1 = nn.Sequential(*(block_35() for _ in range(5)))
        self.mixed_6a = reduction_a()
        self.repeat_2 = nn.Sequential(*(block_17() for _ in range(10)))
        self.mixed_7a = reduction_b()
        self.repeat_3 = nn.Sequential(*(block_8() for _ in range(5)))
        self.block8 = block_8(scale=1.0, rectified=False)
        self.last_linear = nn.Linear(TRUNK, DIM, bias=False)
        self.last_bn = nn.BatchNorm1d(DIM, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 160, 160) float32 as in this file's header -> (N, 512), each of length 1."""
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(self.pool(x))))
        x = self.mixed_6a(self.repeat_1(x))
        x = self.mixed_7a(self.repeat_2(x))
        x = self.block8(self.repeat_3(x))
        x = self.last_bn(self.last_linear(x.mean(dim=(2, 3))))
        return normalize(x, dim=1)
