"""The pair of MiniFASNets to ONNX: one graph from the crop's bytes to the logit.

Input `pixels` (N, S, S, 3) uint8 RGB, output `logit` (N, 1) float32, and on demand
`features` (N, F). Scaling down and the order of the colours are in the graph.
"""

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.models.minifasnet import MiniFasNets, Trunk

OPSET = 17
IR_VERSION = 8
FEATURES = 1  # place of the features among the outputs


def build(network: MiniFasNets, *, half: bool = False, features: bool = False) -> bytes:
    """The ONNX file's bytes.

    Args:
        network: trunks and decision.
        half: store matrices as float16; they are cast back when the network is loaded.
        features: give what the trunks see as well.
    """
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: NDArray[np.generic]) -> str:
        if half and value.ndim > 1 and value.dtype == np.float32:
            constants.append(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
            nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
        else:
            constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: int | list[int]) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    shrink = network.shrink.numpy()
    crop_px = shrink.shape[1]
    x = node("Cast", ["pixels"], "as_float", to=TensorProto.FLOAT)
    x = node("Transpose", [x], "planes", perm=[0, 3, 1, 2])  # (N, 3, S, S)
    x = node("Gather", [x, constant("bgr", np.array([2, 1, 0]))], "blue_first", axis=1)
    x = node("MatMul", [constant("rows", shrink), x], "lower")
    x = node("MatMul", [x, constant("columns", shrink.T.copy())], "small")  # (N, 3, 80, 80)
    seen = [
        _add_trunk(trunk, f"trunk{place}.", x, nodes, constant) for place, trunk in enumerate(network.trunks)
    ]
    node("Concat", seen, "features", axis=1)  # (N, F)
    decision = network.decision
    y = node("Sub", ["features", constant("mean", decision.mean.numpy())], "centred")
    y = node("Div", [y, constant("deviation", decision.deviation.numpy())], "even")
    limits = [constant("low", np.float32(-decision.limit)), constant("high", np.float32(decision.limit))]
    y = node("Clip", [y, *limits], "bounded")
    weight, bias = decision.last.weight.detach().numpy(), decision.last.bias.detach().numpy()
    node("Gemm", [y, constant("last.w", weight), constant("last.b", bias)], "logit", transB=1)  # (N, 1)

    outputs = [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["N", 1])]
    if features:
        outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", network.features]))
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", crop_px, crop_px, 3])
    model = helper.make_model(
        helper.make_graph(nodes, "liveness_minifasnet", [pixels], outputs, constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="facekey",
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _add_trunk(
    trunk: Trunk,
    prefix: str,
    given: str,
    nodes: list[onnx.NodeProto],
    constant: Callable[[str, NDArray[np.generic]], str],
) -> str:
    """Copy a trunk's nodes under names of its own; gives the name of what it sees."""
    names = {name: constant(prefix + name, value) for name, value in trunk.constants().items()}
    names[trunk.input] = given
    for one in trunk.nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(one)
        copy.name = prefix + one.output[0]
        del copy.input[:], copy.output[:]
        copy.input.extend(names.get(name, prefix + name) for name in one.input)
        copy.output.append(prefix + one.output[0])
        nodes.append(copy)
    return prefix + trunk.output
