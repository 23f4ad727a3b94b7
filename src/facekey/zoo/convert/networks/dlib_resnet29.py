"""dlib's metric network: aligned faces to 128-dimensional vectors, close for one person.

Paper:    King, "High Quality Face Recognition with Deep Metric Learning", 2017,
          http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html; a
          ResNet-34 with 29 convolutions and half the filters (He et al., "Deep Residual
          Learning for Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385)
Input:    (N, 3, 150, 150) float32 RGB, (x - (122.782, 117.001, 104.298)) / 256
Output:   (N, 128) float32, not normalised
Weights:  as TensorFlow.js keeps them (`zoo.convert.tfjs`); the names here are those of
          npm package @vladmandic/face-api

Each convolution is followed by a factor and a shift for each channel, which go into its
weights.
"""

import numpy as np
import onnx

from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.state import StateDict

CROP_PX = 150
DIM = 128

_STEM = 32
_STAGES = (
    (32, ("conv32_1", "conv32_2", "conv32_3")),
    (64, ("conv64_down", "conv64_1", "conv64_2", "conv64_3")),
    (128, ("conv128_down", "conv128_1", "conv128_2")),
    (256, ("conv256_down", "conv256_1", "conv256_2", "conv256_down_out")),
)
_SIDE_AFTER_STEM = 35


def build_dlib_resnet29(state: StateDict) -> onnx.ModelProto:
    """Write the network out for these weights.

    Raises:
        ConversionError: the weights are not this network's.
    """
    net = _Layers(state)
    x = net.conv("input", "conv32_down", 3, _STEM, 7, stride=2)
    x = net.graph.node("Relu", x)
    x = net.graph.node("MaxPool", x, kernel_shape=(3, 3), strides=(2, 2))
    before, side = _STEM, _SIDE_AFTER_STEM
    for channels, blocks in _STAGES:
        for name in blocks:
            if "_down" in name:
                x = net.halving(x, name, before, channels, side)
                side = side // 2
            else:
                x = net.residual(x, name, channels)
            before = channels
    net.embedding(x, before)
    state.close()
    return net.graph.model(
        inputs={"input": ("batch", 3, CROP_PX, CROP_PX)}, outputs={"embedding": ("batch", DIM)}
    )


class _Layers:
    """The layers of the network, weights taken from the published tensors."""

    def __init__(self, state: StateDict) -> None:
        self.graph = Graph("dlib_resnet29")
        self._state = state

    def conv(self, x: str, name: str, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> str:
        """Convolution, factor, shift. Padded where it keeps the size, else not."""
        filters = self._state.take(f"{name}/conv/filters", (kernel, kernel, inputs, outputs))
        bias, factor, shift = (
            self._state.take(f"{name}/{part}", (outputs,))
            for part in ("conv/bias", "scale/weights", "scale/biases")
        )
        edge = kernel // 2 if stride == 1 else 0
        return self.graph.node(
            "Conv",
            x,
            self.graph.weight(filters.transpose(3, 2, 0, 1) * factor[:, None, None, None]),
            self.graph.weight(bias * factor + shift),
            kernel_shape=(kernel, kernel),
            strides=(stride, stride),
            pads=(edge,) * 4,
        )

    def residual(self, x: str, name: str, channels: int) -> str:
        """Two convolutions, added to what came in."""
        deep = self.graph.node("Relu", self.conv(x, f"{name}/conv1", channels, channels, 3))
        deep = self.conv(deep, f"{name}/conv2", channels, channels, 3)
        return self.graph.node("Relu", self.graph.node("Add", deep, x))

    def halving(self, x: str, name: str, before: int, channels: int, side: int) -> str:
        """Half the resolution; both sides are filled with zeros to the larger of their shapes.

        The pooled side lacks channels; the convolved side, not padded, can lack a row and
        a column, at the bottom and at the right.
        """
        deep = self.graph.node("Relu", self.conv(x, f"{name}/conv1", before, channels, 3, stride=2))
        deep = self.conv(deep, f"{name}/conv2", channels, channels, 3)
        short = side // 2 - ((side - 3) // 2 + 1)
        deep = self._filled(deep, 0, short)
        pooled = self.graph.node("AveragePool", x, kernel_shape=(2, 2), strides=(2, 2))
        pooled = self._filled(pooled, channels - before, 0)
        return self.graph.node("Relu", self.graph.node("Add", deep, pooled))

    def embedding(self, x: str, channels: int) -> None:
        """Mean over the picture and one dense layer without a bias."""
        x = self.graph.node("Flatten", self.graph.node("GlobalAveragePool", x), axis=1)
        weight = self._state.take("fc", (channels, DIM))
        self.graph.node("MatMul", x, self.graph.weight(weight), output="embedding")

    def _filled(self, x: str, channels: int, pixels: int) -> str:
        if not channels and not pixels:
            return x
        ends = np.array([0, 0, 0, 0, 0, channels, pixels, pixels], np.int64)
        return self.graph.node("Pad", x, self.graph.weight(ends))
