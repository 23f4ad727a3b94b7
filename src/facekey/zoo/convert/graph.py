"""A small ONNX graph under construction."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17  # old enough for the runtimes of edge boards, new enough for every operator used
IR_VERSION = 8  # the one that belongs to this opset

Shape = Sequence[int | str]
"""A number for a fixed size, a name for a free one."""


class Graph:
    """Collects nodes and weights in the order they are computed, then makes a checked model."""

    def __init__(self, name: str) -> None:
        """Start an empty graph."""
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._count = 0

    def weight(self, values: NDArray[np.generic]) -> str:
        """Store a constant and give its name."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(
        self,
        operator: str,
        *inputs: str,
        output: str | None = None,
        **attributes: int | Sequence[int],
    ) -> str:
        """Append one operator with one output and give that output's name."""
        self._count += 1
        output = output or f"v{self._count}"
        node = helper.make_node(operator, list(inputs), [output])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return output

    def model(self, *, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """Close the graph: float32 inputs and outputs of the given shapes, checked by onnx."""
        graph = helper.make_graph(
            self._nodes, self._name, _values(inputs), _values(outputs), initializer=self._weights
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="facekey",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def _values(shapes: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in shapes.items()
    ]
