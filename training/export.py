"""A trained network to ONNX, written by hand: no tracing, nothing left to chance.

Input `pixels` (N, S, S, 3) uint8 RGB, output `logit` (N, 1) float32. Cast, transpose and
normalisation are in the graph; every batch norm is folded into its convolution. Weights
are stored as float16 and cast when the network is loaded, which halves the file; the
runtime folds the casts away and computes in float32.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from facekey.core.types import Floats, ModelId
from facekey.zoo.onnx import OnnxSession
from training.data.crops import CROP_PX
from training.fit import logits
from training.models.resnet18 import MIN_VARIANCE, RAW_MEAN, RAW_SCALE, BasicBlock, ResNet18

OPSET = 17
IR_VERSION = 8
MAX_ERROR_FLOAT32 = 1e-4
MAX_ERROR_FLOAT16 = 0.05  # logits; rounding each weight to 11 bits, measured well below
PROBES = 16


class ExportDiffers(RuntimeError):
    """The exported network does not say what the trained one says."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `max_error` is the largest difference of a logit on random pictures."""

    path: Path
    size_bytes: int
    max_error: float


def export(network: ResNet18, path: Path, *, half: bool = True, crop_px: int = CROP_PX) -> Exported:
    """Write the network and check it against torch.

    Raises:
        ExportDiffers: the float32 graph is off by more than 1e-4, or float16 by more than
            rounding explains.
    """
    probe = np.random.default_rng(0).integers(0, 256, (PROBES, crop_px, crop_px, 3), dtype=np.uint8)
    wanted = logits(network.eval(), probe)
    exact = _difference(build(network, half=False, crop_px=crop_px), probe, wanted)
    if not exact <= MAX_ERROR_FLOAT32:
        raise ExportDiffers(f"float32 logits differ by {exact}")
    data = build(network, half=half, crop_px=crop_px)
    stored = _difference(data, probe, wanted)
    if not stored <= (MAX_ERROR_FLOAT16 if half else MAX_ERROR_FLOAT32):
        raise ExportDiffers(f"stored logits differ by {stored}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Exported(path, len(data), stored)


def build(network: ResNet18, *, half: bool, crop_px: int = CROP_PX) -> bytes:
    """The ONNX file's bytes."""
    graph = _Graph(half)
    graph.node("Cast", ["pixels"], "as_float", to=TensorProto.FLOAT)
    graph.node("Transpose", ["as_float"], "planes", perm=[0, 3, 1, 2])  # (N, 3, S, S)
    unchanged = [graph.exact("ones", np.ones(3, np.float32)), graph.exact("zeros", np.zeros(3, np.float32))]
    graph.node("InstanceNormalization", ["planes", *unchanged], "scaled", epsilon=MIN_VARIANCE)
    seen = "scaled"
    if network.colour:
        graph.node("Sub", ["planes", graph.exact("raw_mean", np.float32(RAW_MEAN))], "centred")
        graph.node("Div", ["centred", graph.exact("raw_scale", np.float32(RAW_SCALE))], "raw")
        graph.node("Concat", ["scaled", "raw"], "both", axis=1)  # (N, 6, S, S)
        seen = "both"
    graph.conv("stem", network.stem, network.stem_norm, seen, relu=True)
    graph.node("MaxPool", ["stem"], "pooled", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    last = "pooled"
    for index, block in enumerate(network.blocks):
        assert isinstance(block, BasicBlock)  # noqa: S101 - tells the type checker what Sequential forgot
        last = _block(graph, f"block{index}", block, last)
    graph.node("GlobalAveragePool", [last], "mean_map")
    graph.node("Flatten", ["mean_map"], "features", axis=1)  # (N, 8 width)
    weight, bias = _numpy(network.last.weight), _numpy(network.last.bias)
    last_weights = [graph.weight("last.w", weight.T), graph.exact("last.b", bias)]
    graph.node("Gemm", ["features", *last_weights], "logit")  # (N, 1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "liveness_resnet18",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", crop_px, crop_px, 3])],
            [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["N", 1])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="facekey",
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


class _Graph:
    """Nodes and constants while they are put together."""

    def __init__(self, half: bool) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._half = half

    def node(self, kind: str, inputs: list[str], output: str, **attributes: float | list[int]) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def exact(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, name: str, value: Floats) -> str:
        if not self._half:
            return self.exact(name, value)
        self.node("Cast", [self.exact(f"{name}.half", value.astype(np.float16))], name, to=TensorProto.FLOAT)
        return name

    def conv(self, name: str, conv: nn.Conv2d, norm: nn.BatchNorm2d, given: str, *, relu: bool) -> str:
        weight, bias = _folded(conv, norm)
        (kernel, _), (stride, _) = conv.kernel_size, conv.stride
        pad = int(conv.padding[0])
        result = f"{name}.sum" if relu else name
        self.node(
            "Conv",
            [given, self.weight(f"{name}.w", weight), self.exact(f"{name}.b", bias)],
            result,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pad] * 4,
        )
        if relu:
            self.node("Relu", [result], name)
        return name


def _block(graph: _Graph, name: str, block: BasicBlock, given: str) -> str:
    first = graph.conv(f"{name}.1", block.conv1, block.norm1, given, relu=True)
    second = graph.conv(f"{name}.2", block.conv2, block.norm2, first, relu=False)
    short = given
    if block.short_conv is not None:
        short = graph.conv(f"{name}.short", block.short_conv, block.short_norm, given, relu=False)
    graph.node("Add", [second, short], f"{name}.both")
    graph.node("Relu", [f"{name}.both"], name)
    return name


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Floats, Floats]:
    """A convolution that does what convolution and batch norm did: weight and bias."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None  # noqa: S101 - only a norm without running statistics lacks them
    assert variance is not None  # noqa: S101
    scale = norm.weight.double() / torch.sqrt(variance.double() + norm.eps)
    weight = conv.weight.double() * scale[:, None, None, None]
    return _numpy(weight), _numpy(norm.bias.double() - mean.double() * scale)


def _numpy(value: torch.Tensor) -> Floats:
    return value.detach().cpu().numpy().astype(np.float32)


def _difference(data: bytes, probe: NDArray[np.uint8], wanted: Floats) -> float:
    (found,) = OnnxSession(data, model_id=ModelId("export")).run(probe)
    return float(np.abs(found[:, 0] - wanted).max())
