"""TFLite to ONNX, for the plain convolutional networks that the cards name.

Images are (N, H, W, C) in TFLite and (N, C, H, W) here: weights are transposed once, at
conversion, and no transposition is left in the graph. The batch is freed. An operator
that is not known stops the conversion; nothing is guessed.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from facekey.core.errors import ConversionError
from facekey.zoo.convert.flatbuffer import FlatTable
from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.spelled_prelu import fold_prelu
from facekey.zoo.convert.tflite_file import Operator, TfliteGraph, read_tflite

Weights = NDArray[np.float32]

INPUT = "input"
BATCH = "batch"

_IMAGE_RANK = 4
_SAME, _VALID = 0, 1
_NO_ACTIVATION, _RELU, _RELU6 = 0, 1, 3


def convert_tflite(data: bytes, *, name: str, outputs: Sequence[str]) -> onnx.ModelProto:
    """Turn a TFLite file into an ONNX model with a free batch.

    Args:
        data: the file.
        name: the graph's name.
        outputs: names for the outputs, in the file's order.

    Returns:
        A model that takes `input` (N, C, H, W) float32. An output of one pixel is
        (N, C); an output that the file reshaped to (1, C) is (N, C).

    Raises:
        ConversionError: the file holds something that is not known here.
    """
    graph = fold_prelu(read_tflite(data))
    if len(graph.inputs) != 1 or len(graph.outputs) != len(outputs):
        raise ConversionError(
            f"{name}: expected 1 input and {len(outputs)} outputs,"
            f" the file has {len(graph.inputs)} and {len(graph.outputs)}"
        )
    return _Conversion(graph, name).run(outputs)


class _Conversion:
    """One graph on its way to ONNX."""

    def __init__(self, graph: TfliteGraph, name: str) -> None:
        self._source = graph
        self._target = Graph(name)
        self._names: dict[int, str] = {}
        self._float_constants: dict[int, Weights] = {}
        self._steps: Mapping[str, Callable[[Operator], str | None]] = {
            "CONV_2D": self._conv,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "MAX_POOL_2D": self._max_pool,
            "ADD": lambda step: self._arithmetic(step, "Add"),
            "SUB": lambda step: self._arithmetic(step, "Sub"),
            "MUL": lambda step: self._arithmetic(step, "Mul"),
            "RELU": lambda step: self._target.node("Relu", self._value(step.inputs[0])),
            "ABS": lambda step: self._target.node("Abs", self._value(step.inputs[0])),
            "PRELU": self._prelu,
            "PAD": self._pad,
            "RESHAPE": self._reshape,
            "DEQUANTIZE": self._dequantize,
        }

    def run(self, outputs: Sequence[str]) -> onnx.ModelProto:
        source = self._source.inputs[0]
        _, height, width, channels = self._image_shape(source)
        self._names[source] = INPUT
        for step in self._source.operators:
            value = self._steps[step.kind](step)
            if value is not None:
                self._names[step.outputs[0]] = value
        shapes = {
            name: self._close(index, name) for name, index in zip(outputs, self._source.outputs, strict=True)
        }
        return self._target.model(inputs={INPUT: (BATCH, channels, height, width)}, outputs=shapes)

    def _close(self, index: int, name: str) -> tuple[int | str, ...]:
        """Give an output its public name; one pixel of C channels becomes (N, C)."""
        shape = self._source.tensors[index].shape
        if len(shape) == _IMAGE_RANK and shape[1:3] == (1, 1):
            self._target.node("Flatten", self._names[index], output=name, axis=1)
            return BATCH, shape[3]
        self._target.node("Identity", self._names[index], output=name)
        return (BATCH, shape[3], *shape[1:3]) if len(shape) == _IMAGE_RANK else (BATCH, *shape[1:])

    def _conv(self, step: Operator) -> str:
        options = _options(step)
        kernel = self._constant(step.inputs[1]).transpose(0, 3, 1, 2)  # OHWI -> OIHW
        _refuse_dilation(options.int32(4, 1), options.int32(5, 1))
        return self._convolve(step, kernel, groups=1, activation=options.int8(3))

    def _depthwise(self, step: Operator) -> str:
        options = _options(step)
        kernel = self._constant(step.inputs[1]).transpose(3, 0, 1, 2)  # 1HWC -> C1HW
        _refuse_dilation(options.int32(5, 1), options.int32(6, 1))
        channels = self._image_shape(step.inputs[0])[3]
        return self._convolve(step, kernel, groups=channels, activation=options.int8(4))

    def _convolve(self, step: Operator, kernel: Weights, *, groups: int, activation: int) -> str:
        options = _options(step)
        strides = (options.int32(2), options.int32(1))  # (height, width)
        inputs = [self._value(step.inputs[0]), self._target.weight(kernel)]
        if len(step.inputs) > 2 and step.inputs[2] >= 0:
            inputs.append(self._target.weight(self._constant(step.inputs[2])))
        window = (kernel.shape[2], kernel.shape[3])
        value = self._target.node(
            "Conv",
            *inputs,
            kernel_shape=window,
            strides=strides,
            pads=self._pads(step, options.int8(0), window, strides),
            group=groups,
        )
        return self._activate(value, activation)

    def _max_pool(self, step: Operator) -> str:
        options = _options(step)
        strides, window = (options.int32(2), options.int32(1)), (options.int32(4), options.int32(3))
        value = self._target.node(
            "MaxPool",
            self._value(step.inputs[0]),
            kernel_shape=window,
            strides=strides,
            pads=self._pads(step, options.int8(0), window, strides),
        )
        return self._activate(value, options.int8(5))

    def _pads(
        self, step: Operator, padding: int, window: tuple[int, int], strides: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        """ONNX pads (top, left, bottom, right). SAME puts the odd pixel below and to the right."""
        if padding == _VALID:
            return 0, 0, 0, 0
        sizes = self._image_shape(step.inputs[0])[1:3]
        totals = [
            max((-(-size // stride) - 1) * stride + extent - size, 0)
            for size, extent, stride in zip(sizes, window, strides, strict=True)
        ]
        (top, left), (bottom, right) = [t // 2 for t in totals], [t - t // 2 for t in totals]
        return top, left, bottom, right

    def _arithmetic(self, step: Operator, operator: str) -> str:
        value = self._target.node(operator, *(self._operand(index, step) for index in step.inputs))
        return self._activate(value, 0 if step.options is None else step.options.int8(0))

    def _operand(self, index: int, step: Operator) -> str:
        """A computed value, or a constant turned to broadcast over (N, C, H, W)."""
        tensor = self._source.tensors[index]
        if tensor.constant is None and index not in self._float_constants:
            return self._value(index)
        constant = self._constant(index)
        if len(self._source.tensors[step.outputs[0]].shape) == _IMAGE_RANK:
            constant = constant.reshape((1,) * (_IMAGE_RANK - constant.ndim) + constant.shape)
            constant = constant.transpose(0, 3, 1, 2)
        return self._target.weight(constant)

    def _prelu(self, step: Operator) -> str:
        slope = self._constant(step.inputs[1])  # (1, 1, C) or (H, W, C)
        slope = slope.reshape((1,) * (3 - slope.ndim) + slope.shape).transpose(2, 0, 1)
        return self._target.node("PRelu", self._value(step.inputs[0]), self._target.weight(slope))

    def _pad(self, step: Operator) -> str:
        amounts = self._source.tensors[step.inputs[1]].constant
        if amounts is None or amounts.shape != (_IMAGE_RANK, 2):
            raise ConversionError("PAD: only fixed amounts for an image are known here")
        before, after = amounts[[0, 3, 1, 2], 0], amounts[[0, 3, 1, 2], 1]  # NHWC -> NCHW
        pads = self._target.weight(np.concatenate([before, after]).astype(np.int64))
        return self._target.node("Pad", self._value(step.inputs[0]), pads)

    def _reshape(self, step: Operator) -> str:
        shape = self._image_shape(step.inputs[0])
        wanted = self._source.tensors[step.outputs[0]].shape
        if shape[1:3] != (1, 1) or wanted != (shape[0], shape[3]):
            raise ConversionError(
                f"RESHAPE from {shape} to {wanted}: only one pixel to a vector is known here"
            )
        return self._target.node("Flatten", self._value(step.inputs[0]), axis=1)

    def _dequantize(self, step: Operator) -> None:
        values = self._source.tensors[step.inputs[0]].constant
        if values is None or values.dtype != np.float16:
            raise ConversionError("DEQUANTIZE: only float16 weights are known here")
        self._float_constants[step.outputs[0]] = values.astype(np.float32)

    def _activate(self, value: str, activation: int) -> str:
        if activation == _NO_ACTIVATION:
            return value
        if activation == _RELU:
            return self._target.node("Relu", value)
        if activation == _RELU6:
            low, high = (self._target.weight(np.array(limit, np.float32)) for limit in (0, 6))
            return self._target.node("Clip", value, low, high)
        raise ConversionError(f"fused activation {activation} is not known here")

    def _value(self, index: int) -> str:
        if index not in self._names:
            raise ConversionError(f"tensor {index} is used before it is computed")
        return self._names[index]

    def _constant(self, index: int) -> Weights:
        if index in self._float_constants:
            return self._float_constants[index]
        values = self._source.tensors[index].constant
        if values is None or values.dtype not in (np.float32, np.float16):
            raise ConversionError(f"tensor {index} should be float weights")
        return values.astype(np.float32)

    def _image_shape(self, index: int) -> tuple[int, int, int, int]:
        shape = self._source.tensors[index].shape
        if len(shape) != _IMAGE_RANK:
            raise ConversionError(f"tensor {index} of shape {shape} should be an image")
        batch, height, width, channels = shape
        return batch, height, width, channels


def _options(step: Operator) -> FlatTable:
    if step.options is None:
        raise ConversionError(f"{step.kind} without options")
    return step.options


def _refuse_dilation(*factors: int) -> None:
    if factors != (1, 1):
        raise ConversionError("dilated convolutions are not known here")
