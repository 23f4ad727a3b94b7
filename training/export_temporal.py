"""The temporal network to ONNX, written by hand: no tracing, nothing left to chance.

Input `rows` (1, T, F) float32, one sequence of any length; output `logit` (1, 1) float32.
The scaling of the features is in the graph.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from facekey.core.types import Floats, ModelId
from facekey.zoo.onnx import OnnxSession
from training.models.temporal_lstm import TemporalLstm

OPSET = 17
IR_VERSION = 8
MAX_ERROR = 1e-4
PROBE_FRAMES = (8, 23, 100)


class ExportDiffers(RuntimeError):
    """The exported network does not say what the trained one says."""


def export(network: TemporalLstm, path: Path) -> float:
    """Write the network, and give the largest difference of a logit from torch's on random rows.

    Raises:
        ExportDiffers: it is more than 1e-4.
    """
    data = build(network)
    session = OnnxSession(data, model_id=ModelId("export"))
    rng = np.random.default_rng(0)
    worst = 0.0
    for frames in PROBE_FRAMES:
        rows = rng.normal(0, 1, (1, frames, len(network.mean))).astype(np.float32)
        with torch.inference_mode():
            wanted = float(network.eval()(torch.from_numpy(rows), torch.tensor([frames]))[0])
        worst = max(worst, abs(float(session.run(rows)[0][0, 0]) - wanted))
    if not worst <= MAX_ERROR:
        raise ExportDiffers(f"logits differ by {worst}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return worst


def build(network: TemporalLstm) -> bytes:
    """The ONNX file's bytes."""
    lstm, hidden = network.lstm, network.hidden
    constants = {
        "mean": _numpy(network.mean),
        "scale": _numpy(network.scale),
        # ONNX wants the gates as input, output, forget, cell; torch has input, forget, cell, output.
        "w": _gates(lstm.weight_ih_l0)[None],
        "r": _gates(lstm.weight_hh_l0)[None],
        "b": np.concatenate([_gates(lstm.bias_ih_l0), _gates(lstm.bias_hh_l0)])[None],
        "last.w": _numpy(network.last.weight).T,
        "last.b": _numpy(network.last.bias),
        "directions": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Sub", ["rows", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["by_time"], perm=[1, 0, 2]),  # (T, 1, F)
        helper.make_node("LSTM", ["by_time", "w", "r", "b"], ["said"], hidden_size=hidden),  # (T, 1, 1, H)
        helper.make_node("Squeeze", ["said", "directions"], ["frames"]),  # (T, 1, H)
        helper.make_node("ReduceMean", ["frames"], ["mean_said"], axes=[0], keepdims=0),  # (1, H)
        helper.make_node("ReduceMax", ["frames"], ["highest"], axes=[0], keepdims=0),
        helper.make_node("Concat", ["mean_said", "highest"], ["pooled"], axis=1),  # (1, 2 H)
        helper.make_node("Gemm", ["pooled", "last.w", "last.b"], ["logit"]),  # (1, 1)
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "liveness_temporal",
            [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, "T", len(network.mean)])],
            [helper.make_tensor_value_info("logit", TensorProto.FLOAT, [1, 1])],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="facekey",
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _gates(value: torch.Tensor) -> Floats:
    given, forget, cell, output = np.split(_numpy(value), 4)
    return np.concatenate([given, output, forget, cell])


def _numpy(value: torch.Tensor) -> Floats:
    return value.detach().cpu().numpy().astype(np.float32)
