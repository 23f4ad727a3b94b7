"""MTCNN: three small cascaded networks, proposal, refinement and output.

Paper:    Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded
          Convolutional Networks", 2016, https://arxiv.org/abs/1604.02878
Input:    (N, 3, H, W) float32 RGB, (x - 127.5) / 128; P-Net any size from 12 px, R-Net
          24 px, O-Net 48 px
Output:   boxes (x1, y1, x2, y2 as fractions of the window to move its sides by), for
          O-Net five points (all x, then all y, as fractions of the window), and
          probabilities (not a face, a face)
Weights:  named, hashed and licensed in models/mtcnn_*.toml

The weights were carried over from a framework that stores images with width first; the
dense layers therefore read the last feature map as (W, H, C).
"""

import onnx

from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.state import StateDict

INPUT = "input"
BATCH = "batch"


def build_pnet(state: StateDict) -> onnx.ModelProto:
    """Proposal: fully convolutional, one window of 12 px every 2 px.

    Outputs: `boxes` (N, 4, h, w), `probabilities` (N, 2, h, w).
    """
    net = _Layers("mtcnn_pnet", state)
    x = net.conv(INPUT, 1, inputs=3, outputs=10, kernel=3)
    x = net.pool(x, 2)
    x = net.conv(x, 2, inputs=10, outputs=16, kernel=3)
    x = net.conv(x, 3, inputs=16, outputs=32, kernel=3)
    scores = net.plain_conv(x, "conv4_1", inputs=32, outputs=2, kernel=1)
    net.plain_conv(x, "conv4_2", inputs=32, outputs=4, kernel=1, output="boxes")
    net.softmax(scores)
    state.close()
    return net.graph.model(
        inputs={INPUT: (BATCH, 3, "height", "width")},
        outputs={
            "boxes": (BATCH, 4, "rows", "columns"),
            "probabilities": (BATCH, 2, "rows", "columns"),
        },
    )


def build_rnet(state: StateDict) -> onnx.ModelProto:
    """Refinement of 24 px windows.

    Outputs: `boxes` (N, 4), `probabilities` (N, 2).
    """
    net = _Layers("mtcnn_rnet", state)
    x = net.conv(INPUT, 1, inputs=3, outputs=28, kernel=3)
    x = net.pool(x, 3)
    x = net.conv(x, 2, inputs=28, outputs=48, kernel=3)
    x = net.pool(x, 3)
    x = net.conv(x, 3, inputs=48, outputs=64, kernel=2)
    x = net.flatten(x)
    x = net.prelu(net.dense(x, "dense4", inputs=576, outputs=128), "prelu4", 128)
    scores = net.dense(x, "dense5_1", inputs=128, outputs=2)
    net.dense(x, "dense5_2", inputs=128, outputs=4, output="boxes")
    net.softmax(scores)
    state.close()
    return net.graph.model(
        inputs={INPUT: (BATCH, 3, 24, 24)}, outputs={"boxes": (BATCH, 4), "probabilities": (BATCH, 2)}
    )


def build_onet(state: StateDict) -> onnx.ModelProto:
    """Output for 48 px windows: the last word on the box, and the five points.

    Outputs: `boxes` (N, 4), `landmarks` (N, 10), `probabilities` (N, 2).
    """
    net = _Layers("mtcnn_onet", state)
    x = net.conv(INPUT, 1, inputs=3, outputs=32, kernel=3)
    x = net.pool(x, 3)
    x = net.conv(x, 2, inputs=32, outputs=64, kernel=3)
    x = net.pool(x, 3)
    x = net.conv(x, 3, inputs=64, outputs=64, kernel=3)
    x = net.pool(x, 2)
    x = net.conv(x, 4, inputs=64, outputs=128, kernel=2)
    x = net.flatten(x)
    x = net.prelu(net.dense(x, "dense5", inputs=1152, outputs=256), "prelu5", 256)
    scores = net.dense(x, "dense6_1", inputs=256, outputs=2)
    net.dense(x, "dense6_2", inputs=256, outputs=4, output="boxes")
    net.dense(x, "dense6_3", inputs=256, outputs=10, output="landmarks")
    net.softmax(scores)
    state.close()
    return net.graph.model(
        inputs={INPUT: (BATCH, 3, 48, 48)},
        outputs={"boxes": (BATCH, 4), "landmarks": (BATCH, 10), "probabilities": (BATCH, 2)},
    )


class _Layers:
    """The layers that the three networks share, weights taken from the state dict."""

    def __init__(self, name: str, state: StateDict) -> None:
        self.graph = Graph(name)
        self._state = state

    def conv(self, x: str, number: int, *, inputs: int, outputs: int, kernel: int) -> str:
        """Convolution without padding, then PReLU."""
        x = self.plain_conv(x, f"conv{number}", inputs=inputs, outputs=outputs, kernel=kernel)
        slope = self._state.take(f"prelu{number}.weight", (outputs,))
        return self.graph.node("PRelu", x, self.graph.weight(slope.reshape(outputs, 1, 1)))

    def plain_conv(
        self, x: str, name: str, *, inputs: int, outputs: int, kernel: int, output: str | None = None
    ) -> str:
        """Convolution without padding."""
        weight = self.graph.weight(self._state.take(f"{name}.weight", (outputs, inputs, kernel, kernel)))
        bias = self.graph.weight(self._state.take(f"{name}.bias", (outputs,)))
        return self.graph.node("Conv", x, weight, bias, output=output, kernel_shape=(kernel, kernel))

    def pool(self, x: str, window: int) -> str:
        """Maximum over windows two pixels apart; a last window may hang over the edge."""
        return self.graph.node("MaxPool", x, kernel_shape=(window, window), strides=(2, 2), ceil_mode=1)

    def flatten(self, x: str) -> str:
        """(N, C, H, W) to (N, W * H * C), in that order."""
        return self.graph.node("Flatten", self.graph.node("Transpose", x, perm=(0, 3, 2, 1)), axis=1)

    def dense(self, x: str, name: str, *, inputs: int, outputs: int, output: str | None = None) -> str:
        """Fully connected layer."""
        weight = self.graph.weight(self._state.take(f"{name}.weight", (outputs, inputs)))
        bias = self.graph.weight(self._state.take(f"{name}.bias", (outputs,)))
        return self.graph.node("Gemm", x, weight, bias, output=output, transB=1)

    def prelu(self, x: str, name: str, channels: int) -> str:
        """PReLU over a vector."""
        return self.graph.node("PRelu", x, self.graph.weight(self._state.take(f"{name}.weight", (channels,))))

    def softmax(self, scores: str) -> None:
        """Scores to probabilities, over the channels."""
        self.graph.node("Softmax", scores, output="probabilities", axis=1)
