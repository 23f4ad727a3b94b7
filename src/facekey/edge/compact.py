"""Weights in half or a quarter of their size; what is computed stays float32.

A processor without arithmetic in half precision computes such networks slower than float32, so only
what lies on the disk is made smaller: the first operators of the graph make the weights float32
again, and ONNX Runtime does that once, when it loads the network.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facekey.core.errors import ConversionError

SMALLEST = 256  # elements; below it there is nothing to gain

INT8_MOST = 127

Weights = NDArray[np.float32]


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with its weights stored as float16; `model` is not changed.

    Raises:
        ConversionError: a weight is too large for float16.
    """
    compact, large = _copied(model)
    nodes = []
    for tensor in large:
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ConversionError(f"{model.graph.name}: {tensor.name} is too large for float16")
        stored = f"{tensor.name}_half"
        nodes.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    return _begun_with(nodes, compact)


def quarter(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with its convolutions' weights stored as int8, a scale for each output channel.

    Other large weights are stored as float16, also those of convolutions by depth: they are few, and
    each output rests on nine of them. `model` is not changed.

    Raises:
        ConversionError: a weight is too large for float16.
    """
    compact, large = _copied(model)
    filters = {node.input[1] for node in compact.graph.node if node.op_type == "Conv" and _groups(node) == 1}
    nodes = []
    for tensor in [tensor for tensor in large if tensor.name in filters]:
        codes, steps = _coded(numpy_helper.to_array(tensor))
        stored, floats, scale = (f"{tensor.name}_{part}" for part in ("int8", "floats", "scale"))
        nodes.append(helper.make_node("Cast", [stored], [floats], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [floats, scale], [tensor.name]))
        tensor.CopyFrom(numpy_helper.from_array(codes, stored))
        compact.graph.initializer.append(numpy_helper.from_array(steps, scale))
    return halve(_begun_with(nodes, compact))


def _coded(weights: Weights) -> tuple[NDArray[np.int8], Weights]:
    """Weights (O, ...) as int8 and the steps (O, 1, ...) that they count.

    The step of each channel is the one of several that leaves the smallest squared error: cutting
    off a lone large weight can cost less than rounding all others to coarser steps.
    """
    flat = weights.reshape(len(weights), -1)  # (O, K)
    largest = np.maximum(np.abs(flat).max(axis=1), np.finfo(np.float32).tiny)
    best_steps, best_error = largest / INT8_MOST, np.full(len(flat), np.inf)
    for share in np.linspace(0.7, 1.0, 13):
        steps = largest * share / INT8_MOST
        codes = np.clip(np.round(flat / steps[:, None]), -INT8_MOST, INT8_MOST)
        error = np.square(codes * steps[:, None] - flat).sum(axis=1)
        best_steps = np.where(error <= best_error, steps, best_steps)
        best_error = np.minimum(error, best_error)
    codes = np.clip(np.round(flat / best_steps[:, None]), -INT8_MOST, INT8_MOST)
    shape = (len(weights),) + (1,) * (weights.ndim - 1)
    return codes.astype(np.int8).reshape(weights.shape), best_steps.astype(np.float32).reshape(shape)


def _copied(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[onnx.TensorProto]]:
    """A copy, and its large float32 weights."""
    compact = onnx.ModelProto()
    compact.CopyFrom(model)
    large = [
        tensor
        for tensor in compact.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= SMALLEST
    ]
    return compact, large


def _groups(convolution: onnx.NodeProto) -> int:
    return next((found.i for found in convolution.attribute if found.name == "group"), 1)


def _begun_with(nodes: list[onnx.NodeProto], model: onnx.ModelProto) -> onnx.ModelProto:
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    return model
