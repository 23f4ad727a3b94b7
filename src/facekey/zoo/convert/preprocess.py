"""Preprocessing inside the graph: every network takes (N, H, W, 3) uint8 RGB.

What can go into the first convolution's weights goes there and costs nothing: the
scale and the colour order always, the mean where that convolution has no padding. With
padding the mean is taken off before it, because the padded zeros stand for the mean
itself, which no bias can imitate at the edges.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facekey.core.errors import ConversionError
from facekey.zoo.cards import Colours

IMAGE = "image"

_PLANES = "image_planes"
_FLOATS = "image_floats"
_PREPARED = "image_prepared"


def fold_preprocessing(
    model: onnx.ModelProto, *, colours: Colours, mean: Sequence[float], scale: float
) -> onnx.ModelProto:
    """Make a network take pictures as they are decoded.

    Args:
        model: takes one (N, 3, H, W) float32, prepared as `(pixels - mean) / scale` in
            the colour order `colours`.
        colours: the order of the network's three input planes.
        mean: one number for each plane, in the network's order.
        scale: what the difference is divided by.

    Returns:
        A model with the one input `image`, (N, H, W, 3) uint8 RGB. `model` is not changed.

    Raises:
        ConversionError: the network has not one image for its input.
    """
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    weights = {value.name for value in folded.graph.initializer}
    inputs = [value for value in folded.graph.input if value.name not in weights]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise ConversionError("only a network with one image as its input can take a picture")

    flipped = colours == "BGR"
    means = np.asarray(mean, np.float32)
    factor = np.float32(1 / scale)
    first = _first_convolution(folded, inputs[0].name)
    if first is not None:
        means = _fold_into(folded, first, means, factor, flipped=flipped)
        flipped, factor = False, np.float32(1)
    nodes = _prepare(folded, inputs[0].name, means, factor, flipped=flipped)
    for index, node in enumerate(nodes):
        folded.graph.node.insert(index, node)

    batch, _, height, width = inputs[0].type.tensor_type.shape.dim
    shape = [dim.dim_param or dim.dim_value or None for dim in (batch, height, width)]
    image = helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [*shape, 3])
    kept = [value for value in folded.graph.input if value.name != inputs[0].name]
    del folded.graph.input[:]
    folded.graph.input.extend([image, *kept])
    onnx.checker.check_model(folded)
    return folded


def _first_convolution(model: onnx.ModelProto, source: str) -> onnx.NodeProto | None:
    """The convolution that alone reads the input, None when something else reads it."""
    readers = [node for node in model.graph.node if source in node.input]
    if len(readers) != 1 or readers[0].op_type != "Conv":
        return None
    constants = {value.name for value in model.graph.initializer}
    return readers[0] if constants.issuperset(readers[0].input[1:]) else None


def _fold_into(
    model: onnx.ModelProto,
    conv: onnx.NodeProto,
    means: NDArray[np.float32],
    factor: np.float32,
    *,
    flipped: bool,
) -> NDArray[np.float32]:
    """Put scale, colour order and, where exact, the mean into a convolution.

    Returns:
        (3,) what is left to take off the pixels, in RGB order.
    """
    constants = {value.name: numpy_helper.to_array(value) for value in model.graph.initializer}
    weight = constants[conv.input[1]].astype(np.float64) * float(factor)  # (C, 3, kh, kw)
    if flipped:
        weight, means = weight[:, ::-1], means[::-1]
    if _is_padded(conv):
        _set_weights(model, conv, 1, weight)
        return means
    bias = constants[conv.input[2]] if len(conv.input) > 2 else np.zeros(weight.shape[0])
    _set_weights(model, conv, 1, weight)
    _set_weights(model, conv, 2, bias - np.einsum("oihw,i->o", weight, means.astype(np.float64)))
    return np.zeros_like(means)


def _is_padded(conv: onnx.NodeProto) -> bool:
    attributes = {attribute.name: attribute for attribute in conv.attribute}
    automatic = attributes["auto_pad"].s if "auto_pad" in attributes else b"NOTSET"
    if automatic != b"NOTSET":
        return bool(automatic != b"VALID")
    return "pads" in attributes and any(attributes["pads"].ints)


def _set_weights(
    model: onnx.ModelProto, node: onnx.NodeProto, place: int, values: NDArray[np.float64]
) -> None:
    # A new name: another node may read the same weights.
    name = f"{IMAGE}_conv_{place}"
    model.graph.initializer.append(
        numpy_helper.from_array(np.ascontiguousarray(values.astype(np.float32)), name)
    )
    if place < len(node.input):
        node.input[place] = name
    else:
        node.input.append(name)


def _prepare(
    model: onnx.ModelProto,
    target: str,
    means: NDArray[np.float32],
    factor: np.float32,
    *,
    flipped: bool,
) -> list[onnx.NodeProto]:
    """The nodes from the picture to what the network reads."""
    # Bytes are moved before they are widened: a quarter of the memory traffic.
    nodes = [
        helper.make_node("Transpose", [IMAGE], [_PLANES], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", [_PLANES], [_FLOATS], to=TensorProto.FLOAT),
    ]
    value = _FLOATS

    def append(operator: str, constant: NDArray[np.generic], *, axis: int | None = None) -> None:
        nonlocal value
        step = f"{_PREPARED}_{operator.lower()}"
        model.graph.initializer.append(numpy_helper.from_array(constant, f"{step}_by"))
        node = helper.make_node(operator, [value, f"{step}_by"], [step])
        if axis is not None:
            node.attribute.append(helper.make_attribute("axis", axis))
        nodes.append(node)
        value = step

    if flipped:
        append("Gather", np.array([2, 1, 0], np.int64), axis=1)
    if means.any():
        append("Sub", np.ascontiguousarray(means.reshape(1, 3, 1, 1)))
    if factor != 1:
        append("Mul", np.array(factor, np.float32))
    nodes[-1].output[0] = target
    return nodes
