"""GE2E speaker encoder: three LSTM layers over a mel spectrogram, then one vector for the voice.

Paper:    Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018,
          https://arxiv.org/abs/1710.10467
Input:    (N, 160, 40) float32: 160 frames, 10 ms apart, of 40 mel bands as powers, no
          logarithm (`voice.mel` makes them)
Output:   embedding (N, 256) float32, not negative, L2 norm 1
Weights:  named, hashed and licensed in models/speaker_ge2e.toml

Torch keeps the gates of an LSTM in the order input, forget, cell, output; ONNX wants input,
output, forget, cell.
"""

import numpy as np
import onnx

from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.state import StateDict, Weights

INPUT = "mel"
FRAMES, BANDS = 160, 40
HIDDEN, DIM, LAYERS = 256, 256, 3
TORCH_GATES = {"i": 0, "f": 1, "c": 2, "o": 3}
ONNX_ORDER = "iofc"


def build_speaker_ge2e(state: StateDict) -> onnx.ModelProto:
    """The encoder, without the two numbers that scaled its similarities in training."""
    graph = Graph("speaker_ge2e")
    x = graph.node("Transpose", INPUT, perm=(1, 0, 2))  # (160, N, 40)
    for layer in range(LAYERS):
        x = _lstm(graph, state, x, layer, inputs=BANDS if layer == 0 else HIDDEN)
    last = graph.node("Gather", x, graph.weight(np.array([FRAMES - 1], np.int64)), axis=0)  # (1, N, 256)
    x = graph.node("Squeeze", last, graph.weight(np.array([0], np.int64)))
    weight = graph.weight(state.take("linear.weight", (DIM, HIDDEN)))
    bias = graph.weight(state.take("linear.bias", (DIM,)))
    x = graph.node("Relu", graph.node("Gemm", x, weight, bias, transB=1))
    length = graph.node("ReduceL2", x, axes=(1,), keepdims=1)
    graph.node("Div", x, length, output="embedding")
    state.drop("similarity_weight", "similarity_bias")
    state.close()
    return graph.model(inputs={INPUT: ("batch", FRAMES, BANDS)}, outputs={"embedding": ("batch", DIM)})


def _lstm(graph: Graph, state: StateDict, x: str, layer: int, *, inputs: int) -> str:
    """One layer over (T, N, inputs), giving (T, N, 256)."""
    of_input = _reordered(state.take(f"lstm.weight_ih_l{layer}", (4 * HIDDEN, inputs)))
    of_hidden = _reordered(state.take(f"lstm.weight_hh_l{layer}", (4 * HIDDEN, HIDDEN)))
    biases = [_reordered(state.take(f"lstm.bias_{which}_l{layer}", (4 * HIDDEN,))) for which in ("ih", "hh")]
    y = graph.node(
        "LSTM",
        x,
        graph.weight(of_input[None]),
        graph.weight(of_hidden[None]),
        graph.weight(np.concatenate(biases)[None]),
        hidden_size=HIDDEN,
    )  # (T, 1, N, 256)
    return graph.node("Squeeze", y, graph.weight(np.array([1], np.int64)))


def _reordered(values: Weights) -> Weights:
    gates = np.split(values, 4)
    return np.concatenate([gates[TORCH_GATES[gate]] for gate in ONNX_ORDER])
