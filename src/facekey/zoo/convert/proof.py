"""A converted network shown to compute, before it may be installed.

A hash says that a file is the published one, not that the card tells the truth about it:
sizes that the file leaves free, weights that are no numbers, and an operator that this
runtime lacks show only when the network runs.
"""

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, numpy_helper

from facekey.core.errors import ConversionError, ModelOutputInvalid
from facekey.zoo.cards import Card
from facekey.zoo.onnx import OnnxSession

_FREE_PX = 96  # for a side that the card leaves free; a multiple of every stride in use
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


def prove(card: Card, graph: bytes) -> None:
    """Check the weights, and what the network makes of one picture of noise.

    Args:
        card: says what it takes and gives. Without `[input]` only the weights are checked.
        graph: what `conversion.convert` made.

    Raises:
        ConversionError: a weight is not finite, or the outputs are not those of the card.
        ModelError: ONNX Runtime can't load it.
    """
    _require_finite_weights(card, graph)
    if card.input is None:
        return
    session = OnnxSession(graph, model_id=card.model_id)
    count = session.inputs[0].shape[0] or 1
    height, width = (side or _FREE_PX for side in card.input.size)
    noise = np.random.default_rng(1).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    try:
        outputs = session.run(noise)
    except ModelOutputInvalid as error:
        raise ConversionError(f"{card.name}: it can't compute: {error}") from error
    for found, output in zip(outputs, card.outputs, strict=True):
        fits = found.ndim == len(output.shape) + 1 and all(
            want in (0, have) for have, want in zip(found.shape[1:], output.shape, strict=True)
        )
        if not fits or len(found) != count:
            raise ConversionError(
                f"{card.name}: {output.name} is {found.shape[1:]}, the card says {output.shape}"
            )
        if not np.isfinite(found).all():
            raise ConversionError(f"{card.name}: {output.name} of a picture of noise is not finite")


def _require_finite_weights(card: Card, graph: bytes) -> None:
    try:
        model = onnx.load_model_from_string(graph)
    except DecodeError as error:
        raise ConversionError(f"{card.name}: not an ONNX file: {error}") from error
    for weight in model.graph.initializer:
        if weight.data_type in _FLOATS and not np.isfinite(numpy_helper.to_array(weight)).all():
            raise ConversionError(f"{card.name}: its weights are not all finite ({weight.name})")
