"""Writes TFLite files of a few operators, so that each can be held against LiteRT alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

CODES = {
    "ADD": 0,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 4,
    "DEQUANTIZE": 6,
    "LOGISTIC": 14,
    "MAX_POOL_2D": 17,
    "MUL": 18,
    "RELU": 19,
    "RESHAPE": 22,
    "PAD": 34,
    "SUB": 41,
    "PRELU": 54,
    "ABS": 101,
}
# Union numbers of BuiltinOptions, and the width of each field in bytes.
OPTIONS = {
    "CONV_2D": (1, "b i i b i i"),
    "DEPTHWISE_CONV_2D": (2, "b i i i b i i"),
    "MAX_POOL_2D": (5, "b i i i i b"),
    "ADD": (11, "b"),
    "MUL": (21, "b"),
    "SUB": (28, "b"),
}
ELEMENTS = {"float32": 0, "float16": 1, "int32": 2}


@dataclass
class TfliteWriter:
    """Collects tensors and operators; `file` makes the bytes."""

    tensors: list[tuple[tuple[int, ...], NDArray[np.generic] | None]] = field(default_factory=list)
    operators: list[tuple[str, Sequence[int], int, Sequence[int]]] = field(default_factory=list)

    def tensor(self, shape: Sequence[int]) -> int:
        """A value that is computed."""
        self.tensors.append((tuple(shape), None))
        return len(self.tensors) - 1

    def constant(self, values: NDArray[np.generic]) -> int:
        """A value that the file holds."""
        self.tensors.append((values.shape, values))
        return len(self.tensors) - 1

    def step(self, kind: str, inputs: Sequence[int], shape: Sequence[int], *options: int) -> int:
        """One operator with an output of this shape; options in the schema's order."""
        output = self.tensor(shape)
        self.operators.append((kind, inputs, output, options))
        return output

    def file(self, source: int, result: int) -> bytes:
        """The file, from one input to one output."""
        builder = flatbuffers.Builder(1024)
        kinds = list(dict.fromkeys(kind for kind, *_ in self.operators))
        buffers = [_table(builder, [])]
        tensors = []
        for shape, values in self.tensors:
            buffer = 0
            if values is not None:
                content = builder.CreateByteVector(np.ascontiguousarray(values).tobytes())
                buffers.append(_table(builder, [("offset", content)]))
                buffer = len(buffers) - 1
            element = 0 if values is None else ELEMENTS[values.dtype.name]
            dims = _ints(builder, shape)
            tensors.append(_table(builder, [("offset", dims), ("b", element), ("i", buffer)]))
        steps = []
        for kind, inputs, output, options in self.operators:
            number, widths = OPTIONS.get(kind, (0, ""))
            chosen = _table(builder, list(zip(widths.split(), options, strict=False)))
            fields = [
                ("i", kinds.index(kind)),
                ("offset", _ints(builder, inputs)),
                ("offset", _ints(builder, [output])),
            ]
            steps.append(_table(builder, [*fields, ("b", number), ("offset", chosen)] if options else fields))
        graph = _table(
            builder,
            [
                ("offset", _offsets(builder, tensors)),
                ("offset", _ints(builder, [source])),
                ("offset", _ints(builder, [result])),
                ("offset", _offsets(builder, steps)),
            ],
        )
        # (old code, custom code, version, code): the third is left at its default of 1.
        codes = [_table(builder, [("b", CODES[kind]), None, None, ("i", CODES[kind])]) for kind in kinds]
        model = _table(
            builder,
            [
                ("i", 3),
                ("offset", _offsets(builder, codes)),
                ("offset", _offsets(builder, [graph])),
                None,
                ("offset", _offsets(builder, buffers)),
            ],
        )
        builder.Finish(model, file_identifier=b"TFL3")
        return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, fields: Sequence[tuple[str, int] | None]) -> int:
    builder.StartObject(len(fields))
    add: dict[str, Callable[[int, int, int], None]] = {
        "b": builder.PrependInt8Slot,
        "i": builder.PrependInt32Slot,
        "offset": builder.PrependUOffsetTRelativeSlot,
    }
    for slot, given in enumerate(fields):
        if given is not None:
            add[given[0]](slot, given[1], 0)
    return int(builder.EndObject())


def _ints(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, np.int32)))


def _offsets(builder: flatbuffers.Builder, places: Sequence[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return int(builder.EndVector())
