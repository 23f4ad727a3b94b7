"""The fused embedding network to ONNX, written by hand and checked against torch."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from facekey.core.types import ModelId
from facekey.zoo.convert.graph import Graph
from facekey.zoo.onnx import OnnxSession
from training.export import ExportDiffers
from training.models.fusion import DIM, FusionNetwork

MAX_ERROR = 1e-5
PROBES = 16


def export(fusion: FusionNetwork, dimensions: Sequence[int]) -> bytes:
    """The ONNX file's bytes: one input (N, D) for each network, the output `fused` (N, 512).

    Raises:
        ExportDiffers: for some subset of the networks it doesn't say what torch says.
    """
    content = build(fusion, dimensions)
    session = OnnxSession(content, model_id=ModelId("fusion:exported"))
    dice = np.random.default_rng(0)
    for heard in product((True, False), repeat=len(dimensions)):
        if not any(heard):
            continue
        given = [
            _units(dice.standard_normal((PROBES, count))) if use else np.zeros((PROBES, count), np.float32)
            for count, use in zip(dimensions, heard, strict=True)
        ]
        with torch.no_grad():
            wanted = fusion.eval()(*map(torch.from_numpy, given)).numpy()
        error = float(np.abs(session.run(*given)[0] - wanted).max())
        if not error <= MAX_ERROR:
            raise ExportDiffers(f"fused vectors differ by {error} with {heard}")
    return content


def build(fusion: FusionNetwork, dimensions: Sequence[int]) -> bytes:
    """The same without the check."""
    graph = Graph("fused_embedding")
    parts = []
    for place, adapter in enumerate(fusion.adapters):
        assert isinstance(adapter, nn.Linear)  # noqa: S101 - tells the type checker what ModuleList forgot
        parts.append(graph.node("MatMul", f"network{place}", graph.weight(_numpy(adapter.weight).T)))
    joined = graph.node("LpNormalization", graph.node("Sum", *parts), axis=1, p=2)
    x = joined
    for layer in fusion.layers:
        if isinstance(layer, nn.Linear):
            weights = (graph.weight(_numpy(layer.weight)), graph.weight(_numpy(layer.bias)))
            x = graph.node("Gemm", x, *weights, transB=1)
        else:
            x = graph.node("Relu", x)
    graph.node("LpNormalization", graph.node("Add", joined, x), output="fused", axis=1, p=2)
    model = graph.model(
        inputs={f"network{place}": ("batch", count) for place, count in enumerate(dimensions)},
        outputs={"fused": ("batch", DIM)},
    )
    return bytes(model.SerializeToString())


def _numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().numpy(), np.float32)


def _units(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
