"""Between which values each activation of a network lies, measured on pictures.

What is kept are a few numbers for each activation and nothing of the pictures, so that the ranges can
come with FaceKey and nobody needs pictures to make an int8 bundle.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from facekey.core.errors import ModelError
from facekey.core.types import ModelId, Pixels
from facekey.edge.quantise import Ranges
from facekey.zoo.onnx import OnnxSession


def activations(model: onnx.ModelProto, nodes: Sequence[str]) -> list[str]:
    """Names of the values that go into or come out of the named nodes, in the order they are computed."""
    constants = {value.name for value in model.graph.initializer}
    chosen = set(nodes)
    names = [
        name
        for node in model.graph.node
        if node.name in chosen
        for name in (*node.input, *node.output)
        if name not in constants
    ]
    return list(dict.fromkeys(names))


def measure(
    model: onnx.ModelProto, pictures: Iterable[Pixels], *, nodes: Sequence[str], share: float
) -> Ranges:
    """Ranges of the activations around the named nodes.

    Args:
        model: takes (N, H, W, 3) uint8 RGB.
        pictures: (H, W, 3) uint8 RGB, of the sizes that the network takes.
        nodes: those to be quantised.
        share: of the values of one picture that must lie inside, 0..1. What lies outside is
            clipped; 1.0 clips nothing and makes the steps coarser.

    Raises:
        ModelError: there are no pictures, or a value is not finite.
    """
    names = activations(model, nodes)
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = OnnxSession(watched.SerializeToString(), model_id=ModelId(model.graph.name), threads=1)
    bounds = [
        [_inside(values, share) for values in session.run(np.ascontiguousarray(picture)[None])]
        for picture in pictures
    ]
    if not bounds or not np.isfinite(bounds).all():
        raise ModelError(f"{model.graph.name}: its activations could not be measured")
    lows, highs = np.asarray(bounds).transpose(2, 0, 1)  # (pictures, names) each
    # The mean over pictures: the extremes of one strange picture would coarsen all others.
    least, most = np.minimum(lows.mean(axis=0), 0.0), np.maximum(highs.mean(axis=0), 0.0)
    return {name: (float(low), float(high)) for name, low, high in zip(names, least, most, strict=True)}


def _inside(values: NDArray[np.float32], share: float) -> tuple[float, float]:
    if share >= 1.0:
        return float(values.min()), float(values.max())
    low, high = np.quantile(values, ((1 - share) / 2, (1 + share) / 2))
    return float(low), float(high)
