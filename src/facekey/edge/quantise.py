"""Static quantisation: int8 weights between uint8 activations. Only this file uses ONNX Runtime's tools.

Ranges of activations come from pictures (`edge.ranges`); weights have a scale for each output
channel. The result is plain ONNX with QuantizeLinear and DequantizeLinear, which runtimes turn into
their integer kernels; whatever isn't quantised stays float32.
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import version_converter
from onnxruntime.quantization import QuantType  # type: ignore[import-untyped]
from onnxruntime.quantization.calibrate import (  # type: ignore[import-untyped]
    CalibrationMethod,
    TensorsData,
)
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer  # type: ignore[import-untyped]

from facekey.core.errors import ConversionError

OPSET = 17  # the first that are known to run everywhere; channels with scales of their own need 13

Ranges = Mapping[str, tuple[float, float]]
"""Least and greatest value of each activation, by its name in the graph."""


def modernised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network in an opset that knows a scale for each channel."""
    if model.opset_import[0].version >= OPSET:
        return model
    converted: onnx.ModelProto = version_converter.convert_version(model, OPSET)
    return converted


def quantise(model: onnx.ModelProto, ranges: Ranges, *, nodes: Sequence[str]) -> onnx.ModelProto:
    """The network with the named nodes in int8. `model` is not changed.

    Args:
        model: float32, of `OPSET` or later, with a name for each node.
        ranges: for every activation that goes into or comes out of these nodes.
        nodes: names of the nodes to quantise; all others stay float32.

    Raises:
        ConversionError: a node or a range is missing.
    """
    missing = set(nodes) - {node.name for node in model.graph.node}
    if missing:
        raise ConversionError(f"there is no node {', '.join(sorted(missing))} to quantise")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    # It tells at great length which constants it found.
    logging.getLogger().setLevel(logging.ERROR)
    quantizer = QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(
            CalibrationMethod.MinMax,
            {name: tuple(np.array(bound, np.float32) for bound in ends) for name, ends in ranges.items()},
        ),
        nodes_to_quantize=list(nodes),
        nodes_to_exclude=[],
        op_types_to_quantize=sorted({node.op_type for node in model.graph.node if node.name in set(nodes)}),
        extra_options={"QDQNeedOutputs": True},
    )
    try:
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    except (KeyError, ValueError) as error:
        raise ConversionError(f"{model.graph.name} can't be quantised: {error}") from error
    quantised: onnx.ModelProto = quantizer.model.model
    return quantised
