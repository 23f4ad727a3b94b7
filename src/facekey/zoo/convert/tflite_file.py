"""A TFLite file as plain types: tensors, operators, and which of them are in and out.

Only the parts of the schema that a forward pass needs are read, by their slot numbers.

Source: tensorflow/lite/schema/schema.fbs, version 3
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ConversionError
from facekey.zoo.convert.flatbuffer import FlatTable

OPERATORS: Mapping[int, str] = {
    0: "ADD",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    17: "MAX_POOL_2D",
    18: "MUL",
    19: "RELU",
    22: "RESHAPE",
    34: "PAD",
    41: "SUB",
    54: "PRELU",
    101: "ABS",
}
"""Builtin operator codes that the converter knows, by the schema's names."""

ELEMENT_TYPES: Mapping[int, type[np.generic]] = {0: np.float32, 1: np.float16, 2: np.int32, 4: np.int64}

_CODE_IN_32_BITS = 127  # a code of 127 or more doesn't fit the old byte field


@dataclass(frozen=True, slots=True)
class Tensor:
    """One value of the graph.

    Attributes:
        shape: as written in the file, images as (N, H, W, C).
        constant: its content when the file holds it, None for what is computed.
    """

    name: str
    shape: tuple[int, ...]
    constant: NDArray[np.generic] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the graph; inputs and outputs are indices of tensors, -1 for none."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: FlatTable | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TfliteGraph:
    """A file with one subgraph."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_tflite(data: bytes) -> TfliteGraph:
    """Read a TFLite file.

    Raises:
        ConversionError: not a TFLite file, more than one subgraph, an operator or an
            element type that is not known here.
    """
    model = FlatTable.root(data, identifier=b"TFL3")
    subgraphs = model.tables(2)
    if len(subgraphs) != 1:
        raise ConversionError(f"a TFLite file with {len(subgraphs)} subgraphs is not known here")
    graph = subgraphs[0]
    kinds = [_operator_name(code) for code in model.tables(1)]
    buffers = model.tables(4)
    return TfliteGraph(
        tensors=tuple(_tensor(table, buffers) for table in graph.tables(0)),
        operators=tuple(
            Operator(kinds[table.int32(0)], table.int32s(1), table.int32s(2), table.table(4))
            for table in graph.tables(3)
        ),
        inputs=graph.int32s(1),
        outputs=graph.int32s(2),
    )


def _operator_name(code: FlatTable) -> str:
    number = code.int8(0)
    if number == _CODE_IN_32_BITS:
        number = code.int32(3)
    if number not in OPERATORS:
        raise ConversionError(f"TFLite operator {number} {code.text(1)}".rstrip() + " is not known here")
    return OPERATORS[number]


def _tensor(table: FlatTable, buffers: tuple[FlatTable, ...]) -> Tensor:
    name, shape = table.text(3), table.int32s(0)
    element = table.int8(1)
    # Buffer 0 is empty by agreement: it stands for "computed".
    content = buffers[table.int32(2)].octets(0)
    if not content:
        return Tensor(name, shape, None)
    if element not in ELEMENT_TYPES:
        raise ConversionError(f"TFLite tensor {name!r} has element type {element}, which is not known here")
    values = np.frombuffer(content, dtype=ELEMENT_TYPES[element])
    if values.size != int(np.prod(shape)):
        raise ConversionError(f"TFLite tensor {name!r} holds {values.size} values for the shape {shape}")
    return Tensor(name, shape, values.reshape(shape))
