"""A small network with PReLUs."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from facekey.core.types import Floats, ModelId
from facekey.zoo.onnx import OnnxSession

CHANNELS = 32
PICTURE = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)


def network(slopes: Floats, *, residual: bool = False, largest: float = 1.0) -> onnx.ModelProto:
    """Pictures through a convolution, PRelu, a convolution by depth, PRelu, a last convolution."""
    rng, channels = np.random.default_rng(0), len(slopes)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        values = largest * rng.normal(0, 0.3, shape)
        return numpy_helper.from_array(values.astype(np.float32), name)

    constants = [
        weight("w1", channels, 3, 3, 3),
        weight("b1", channels),
        weight("w2", channels, 1, 3, 3),
        weight("w3", CHANNELS, channels, 1, 1),
        numpy_helper.from_array(slopes.reshape(-1, 1, 1), "s1"),
        numpy_helper.from_array(slopes[::-1].copy().reshape(-1, 1, 1), "s2"),
        numpy_helper.from_array(np.array(255, np.float32), "white"),
    ]
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=(0, 3, 1, 2), name="turn"),
        helper.make_node("Cast", ["planes"], ["floats"], to=onnx.TensorProto.FLOAT, name="cast"),
        helper.make_node("Div", ["floats", "white"], ["x"], name="scale"),
        helper.make_node("Conv", ["x", "w1", "b1"], ["y1"], pads=(1, 1, 1, 1), name="first"),
        helper.make_node("PRelu", ["y1", "s1"], ["p1"], name="bend"),
        helper.make_node("Conv", ["p1", "w2"], ["y2"], pads=(1, 1, 1, 1), group=channels, name="depth"),
        helper.make_node("Add", ["y2", "p1"], ["sum"], name="both"),
        helper.make_node("PRelu", ["sum" if residual else "y2", "s2"], ["p2"], name="bend_again"),
        helper.make_node("Conv", ["p2", "w3"], ["out"], name="last"),
    ]
    if not residual:
        nodes = [node for node in nodes if node.name != "both"]
    shape = ("n", 12, 12, 3)
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ("n", CHANNELS, 12, 12))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def computed(model: onnx.ModelProto) -> Floats:
    (out,) = OnnxSession(model.SerializeToString(), model_id=ModelId("made"), threads=1).run(PICTURE)
    return out


GENTLE = np.linspace(-0.9, 0.9, CHANNELS, dtype=np.float32)
STEEP = np.linspace(-3, 5, CHANNELS, dtype=np.float32)
ONE = np.ones(CHANNELS, np.float32)
