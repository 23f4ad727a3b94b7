"""Channels in whole blocks, for networks whose layers have odd numbers of them.

ONNX Runtime convolves in blocks of 16 channels where a vector of the processor has 16 numbers. A layer
of 103 channels, as pruning leaves them, is brought out of that order and back around every depthwise
convolution, which costs more than nine channels of nothing. So each run of layers between two ordinary
convolutions is filled up with channels whose weights are zero: they are zero throughout, and the
convolution after them takes no notice. Nothing changes but time.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

BLOCK = 16


Weights = NDArray[np.float32]


def widen(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with whole blocks of channels where that can be had. `model` is not changed."""
    widened = onnx.ModelProto()
    widened.CopyFrom(model)
    graph = _Graph(widened.graph)
    for node in widened.graph.node:
        run = graph.run_from(node)
        if run is not None:
            run.resize(run.channels + -run.channels % BLOCK)
    return widened


def narrow(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without what `widen` filled in, for where size counts. `model` is not changed."""
    narrowed = onnx.ModelProto()
    narrowed.CopyFrom(model)
    graph = _Graph(narrowed.graph)
    for node in narrowed.graph.node:
        run = graph.run_from(node)
        if run is not None:
            run.resize(run.in_use())
    return narrowed


class _Run:
    """Layers that have the same channels, from the convolution that makes them to those that take them."""

    def __init__(self, graph: "_Graph", maker: onnx.NodeProto, channels: int) -> None:
        self.graph, self.maker, self.channels = graph, maker, channels
        self.between: list[onnx.NodeProto] = []  # depthwise convolutions, and factors for each channel
        self.takers: list[onnx.NodeProto] = []

    def constants(self) -> list[tuple[str, int]]:
        """Each constant that has to grow, and along which axis."""
        along = [(name, 0) for name in self.maker.input[1:]]
        for node in self.between:
            if node.op_type == "Conv":
                along += [(name, 0) for name in node.input[1:]]
            elif node.op_type == "Mul":
                along += [(name, 1) for name in node.input if self.graph.is_constant(name)]
        return along + [(node.input[1], 1) for node in self.takers]

    def in_use(self) -> int:
        """Channels before the empty ones at the end."""
        made = [self.graph.values(name).reshape(self.channels, -1) for name in self.maker.input[1:]]
        used = np.flatnonzero(np.concatenate(made, axis=1).any(axis=1))
        return int(used[-1]) + 1 if len(used) else self.channels

    def resize(self, channels: int) -> None:
        """Have so many channels; those that are new are empty."""
        for name, axis in self.constants():
            self.graph.resize(name, channels, axis=axis)
        for node in self.between:
            for attribute in node.attribute:
                if attribute.name == "group":
                    attribute.i = channels


class _Graph:
    """Who uses each value, and the constants."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._constants = {value.name: value for value in graph.initializer}
        self._outputs = {value.name for value in graph.output}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def values(self, name: str) -> Weights:
        """Of a constant."""
        return numpy_helper.to_array(self._constants[name])

    def is_constant(self, name: str) -> bool:
        return name in self._constants

    def resize(self, name: str, size: int, *, axis: int) -> None:
        """Cut a constant along one axis, or put zeros behind it."""
        values = self.values(name)
        kept = values[(slice(None),) * axis + (slice(size),)]
        room = [(0, size - kept.shape[axis] if place == axis else 0) for place in range(values.ndim)]
        self._constants[name].CopyFrom(numpy_helper.from_array(np.pad(kept, room), name))

    def run_from(self, maker: onnx.NodeProto) -> _Run | None:
        """The layers that begin with a convolution, if their channels are nobody else's business."""
        if maker.op_type != "Conv" or _groups(maker) != 1 or not self._is_own(maker):
            return None
        channels = len(self.values(maker.input[1]))
        run, reached, todo = _Run(self, maker, channels), set(maker.output), list(maker.output)
        sums: list[onnx.NodeProto] = []
        while todo:
            name = todo.pop()
            if name in self._outputs:
                return None
            for user in self._users.get(name, []):
                if user.op_type == "Conv" and _groups(user) == 1 and name == user.input[0]:
                    run.takers.append(user)
                elif user.op_type == "Add":
                    sums.append(user)
                elif self._is_by_channel(user, channels):
                    run.between.append(user)
                else:
                    return None
                if user.op_type != "Conv" or _groups(user) != 1:
                    todo += [made for made in user.output if made not in reached]
                    reached.update(user.output)
        whole = all(name in reached for node in sums for name in node.input)
        own = all(len(self._users[name]) == 1 for name, _ in run.constants())
        takers = all(self._is_own(node) for node in run.takers)
        return run if whole and own and takers and run.takers else None

    def _is_own(self, convolution: onnx.NodeProto) -> bool:
        return all(name in self._constants and len(self._users[name]) == 1 for name in convolution.input[1:])

    def _is_by_channel(self, node: onnx.NodeProto, channels: int) -> bool:
        """Whether a layer gives zero for a channel of zeros, and looks at no other."""
        if node.op_type == "Conv":
            return _groups(node) == channels and self._is_own(node)
        if node.op_type == "Mul":
            shapes = [self._constants[name].dims for name in node.input if name in self._constants]
            return [list(shape) for shape in shapes] == [[1, channels, 1, 1]]
        return node.op_type == "Relu"


def _groups(convolution: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in convolution.attribute if attribute.name == "group"), 1)
