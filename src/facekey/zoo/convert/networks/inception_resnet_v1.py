"""FaceNet: Inception-ResNet-v1, aligned faces to 512-dimensional identity vectors.

Paper:    Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and
          Clustering", CVPR 2015, https://arxiv.org/abs/1503.03832; the trunk is that of
          Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual
          Connections on Learning", 2016, https://arxiv.org/abs/1602.07261
Input:    (N, 3, 160, 160) float32 RGB, (x - 127.5) / 128
Output:   (N, 512) float32, L2 norm 1
Weights:  named, hashed and licensed in models/facenet.toml

Every batch normalisation is folded into the convolution before it. The classifier that
the network was trained with is left out.
"""

import numpy as np
import onnx

from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.state import StateDict, Weights

CROP_PX = 160
DIM = 512

_BATCH_NORM_EPSILON = 1e-3
_TRUNK_CHANNELS = 1792

Kernel = tuple[int, int]
Branch = tuple[tuple[int, int, Kernel], ...]
"""Convolutions in a row: (inputs, outputs, (height, width))."""


def build_inception_resnet_v1(state: StateDict) -> onnx.ModelProto:
    """Write the network out for these weights.

    Raises:
        ConversionError: the weights are not this network's.
    """
    state.drop(".num_batches_tracked", "logits.weight", "logits.bias")
    net = _Layers(state)
    x = net.conv("input", "conv2d_1a", 3, 32, (3, 3), stride=2)
    x = net.conv(x, "conv2d_2a", 32, 32, (3, 3))
    x = net.conv(x, "conv2d_2b", 32, 64, (3, 3), padded=True)
    x = net.pool(x)
    x = net.conv(x, "conv2d_3b", 64, 80, (1, 1))
    x = net.conv(x, "conv2d_4a", 80, 192, (3, 3))
    x = net.conv(x, "conv2d_4b", 192, 256, (3, 3), stride=2)
    for index in range(5):
        x = net.residual(x, f"repeat_1.{index}", 256, _BLOCK_35, scale=0.17)
    x = net.reduction_a(x)
    for index in range(10):
        x = net.residual(x, f"repeat_2.{index}", 896, _BLOCK_17, scale=0.10)
    x = net.reduction_b(x)
    for index in range(5):
        x = net.residual(x, f"repeat_3.{index}", _TRUNK_CHANNELS, _BLOCK_8, scale=0.20)
    x = net.residual(x, "block8", _TRUNK_CHANNELS, _BLOCK_8, scale=1.0, rectified=False)
    net.embedding(x)
    state.close()
    return net.graph.model(
        inputs={"input": ("batch", 3, CROP_PX, CROP_PX)}, outputs={"embedding": ("batch", DIM)}
    )


_BLOCK_35: tuple[Branch, ...] = (
    ((256, 32, (1, 1)),),
    ((256, 32, (1, 1)), (32, 32, (3, 3))),
    ((256, 32, (1, 1)), (32, 32, (3, 3)), (32, 32, (3, 3))),
)
_BLOCK_17: tuple[Branch, ...] = (
    ((896, 128, (1, 1)),),
    ((896, 128, (1, 1)), (128, 128, (1, 7)), (128, 128, (7, 1))),
)
_BLOCK_8: tuple[Branch, ...] = (
    ((1792, 192, (1, 1)),),
    ((1792, 192, (1, 1)), (192, 192, (1, 3)), (192, 192, (3, 1))),
)


class _Layers:
    """The layers of the network, weights taken from the state dict."""

    def __init__(self, state: StateDict) -> None:
        self.graph = Graph("inception_resnet_v1")
        self._state = state

    def conv(
        self,
        x: str,
        name: str,
        inputs: int,
        outputs: int,
        kernel: Kernel,
        *,
        stride: int = 1,
        padded: bool = False,
    ) -> str:
        """Convolution, batch normalisation, ReLU."""
        weight = self._state.take(f"{name}.conv.weight", (outputs, inputs, *kernel))
        scale, shift = self._batch_norm(f"{name}.bn", outputs)
        x = self._convolve(x, weight * scale[:, None, None, None], shift, stride=stride, padded=padded)
        return self.graph.node("Relu", x)

    def pool(self, x: str) -> str:
        """Maximum over 3 x 3 windows two pixels apart."""
        return self.graph.node("MaxPool", x, kernel_shape=(3, 3), strides=(2, 2))

    def branch(self, x: str, name: str, convs: Branch) -> str:
        """Padded convolutions in a row. A row of one has no number in its name."""
        for index, (inputs, outputs, kernel) in enumerate(convs):
            numbered = f"{name}.{index}" if len(convs) > 1 else name
            x = self.conv(x, numbered, inputs, outputs, kernel, padded=True)
        return x

    def residual(
        self,
        x: str,
        name: str,
        channels: int,
        branches: tuple[Branch, ...],
        *,
        scale: float,
        rectified: bool = True,
    ) -> str:
        """Branches side by side, brought back to the trunk's width, scaled and added."""
        sides = [self.branch(x, f"{name}.branch{index}", convs) for index, convs in enumerate(branches)]
        joined = self.graph.node("Concat", *sides, axis=1)
        width = sum(convs[-1][1] for convs in branches)
        # The factor goes into the weights, so that it costs nothing.
        weight = self._state.take(f"{name}.conv2d.weight", (channels, width, 1, 1)) * np.float32(scale)
        bias = self._state.take(f"{name}.conv2d.bias", (channels,)) * np.float32(scale)
        x = self.graph.node("Add", self._convolve(joined, weight, bias), x)
        return self.graph.node("Relu", x) if rectified else x

    def reduction_a(self, x: str) -> str:
        """Mixed 6a: half the resolution, 256 to 896 channels."""
        side = self.conv(x, "mixed_6a.branch0", 256, 384, (3, 3), stride=2)
        deep = self.conv(x, "mixed_6a.branch1.0", 256, 192, (1, 1))
        deep = self.conv(deep, "mixed_6a.branch1.1", 192, 192, (3, 3), padded=True)
        deep = self.conv(deep, "mixed_6a.branch1.2", 192, 256, (3, 3), stride=2)
        return self.graph.node("Concat", side, deep, self.pool(x), axis=1)

    def reduction_b(self, x: str) -> str:
        """Mixed 7a: half the resolution, 896 to 1792 channels."""
        first = self.conv(x, "mixed_7a.branch0.0", 896, 256, (1, 1))
        first = self.conv(first, "mixed_7a.branch0.1", 256, 384, (3, 3), stride=2)
        second = self.conv(x, "mixed_7a.branch1.0", 896, 256, (1, 1))
        second = self.conv(second, "mixed_7a.branch1.1", 256, 256, (3, 3), stride=2)
        third = self.conv(x, "mixed_7a.branch2.0", 896, 256, (1, 1))
        third = self.conv(third, "mixed_7a.branch2.1", 256, 256, (3, 3), padded=True)
        third = self.conv(third, "mixed_7a.branch2.2", 256, 256, (3, 3), stride=2)
        return self.graph.node("Concat", first, second, third, self.pool(x), axis=1)

    def embedding(self, x: str) -> None:
        """Mean over the picture, one dense layer, length 1."""
        x = self.graph.node("Flatten", self.graph.node("GlobalAveragePool", x), axis=1)
        scale, shift = self._batch_norm("last_bn", DIM)
        weight = self._state.take("last_linear.weight", (DIM, _TRUNK_CHANNELS)) * scale[:, None]
        x = self.graph.node("Gemm", x, self.graph.weight(weight), self.graph.weight(shift), transB=1)
        self.graph.node("LpNormalization", x, output="embedding", axis=1, p=2)

    def _batch_norm(self, name: str, channels: int) -> tuple[Weights, Weights]:
        """The factor and the shift that a trained batch normalisation comes down to."""
        gamma, beta, mean, variance = (
            self._state.take(f"{name}.{part}", (channels,)).astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _BATCH_NORM_EPSILON)
        return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)

    def _convolve(
        self, x: str, weight: Weights, bias: Weights, *, stride: int = 1, padded: bool = False
    ) -> str:
        height, width = (size // 2 if padded else 0 for size in weight.shape[2:])
        return self.graph.node(
            "Conv",
            x,
            self.graph.weight(weight),
            self.graph.weight(bias),
            kernel_shape=weight.shape[2:],
            strides=(stride, stride),
            pads=(height, width, height, width),
        )
