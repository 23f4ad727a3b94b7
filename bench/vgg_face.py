"""VGG-Face with random weights: the graph that DeepFace runs by default, for timing it offline.

Paper:    Parkhi et al., "Deep Face Recognition", BMVC 2015
Input:    (N, 224, 224, 3) float32
Output:   (N, 4096) float32, of the second fully connected layer
Weights:  random: it recognises nobody. How long a network computes doesn't depend on what it
          learned, as long as its numbers neither vanish nor overflow; they are scaled for that.
"""

import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the 3 x 3 convolutions; after each block the picture is halved."""
FULL, FULL_PX = 4096, 7
INPUT_PX = 224
OPSET = 17


def write_vgg_face(path: Path) -> None:
    """Write the network, half a gigabyte."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Transpose", ["image"], ["x0"], perm=[0, 3, 1, 2])]
    weights: list[onnx.TensorProto] = []
    now, channels = "x0", 3

    def convolve(now: str, inward: int, outward: int, side: int) -> str:
        number = len(weights)
        scale = math.sqrt(2 / (inward * side * side))
        kernel = scale * rng.standard_normal((outward, inward, side, side), dtype=np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{number}"))
        weights.append(numpy_helper.from_array(np.zeros(outward, np.float32), f"b{number}"))
        padding = [side // 2] * 4 if side == 3 else [0] * 4
        nodes.append(
            helper.make_node("Conv", [now, f"w{number}", f"b{number}"], [f"c{number}"], pads=padding)
        )
        nodes.append(helper.make_node("Relu", [f"c{number}"], [f"r{number}"]))
        return f"r{number}"

    for place, block in enumerate(BLOCKS):
        for outward in block:
            now, channels = convolve(now, channels, outward, 3), outward
        nodes.append(helper.make_node("MaxPool", [now], [f"p{place}"], kernel_shape=[2, 2], strides=[2, 2]))
        now = f"p{place}"
    now = convolve(now, channels, FULL, FULL_PX)
    now = convolve(now, FULL, FULL, 1)
    nodes.append(helper.make_node("Flatten", [now], ["embedding"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", INPUT_PX, INPUT_PX, 3])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", FULL])
    graph = helper.make_graph(nodes, "vgg_face_random", [image], [embedding], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    part = path.with_suffix(".part")
    onnx.save_model(model, str(part))
    part.replace(path)
