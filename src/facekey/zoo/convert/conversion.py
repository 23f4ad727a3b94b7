"""From a card's published file to the one ONNX graph that FaceKey runs."""

from collections.abc import Callable, Mapping

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from facekey.core.errors import ConversionError
from facekey.zoo.cards import WITHOUT_GRAPH, Card
from facekey.zoo.convert.networks.dlib_resnet29 import build_dlib_resnet29
from facekey.zoo.convert.networks.inception_resnet_v1 import build_inception_resnet_v1
from facekey.zoo.convert.networks.mtcnn import build_onet, build_pnet, build_rnet
from facekey.zoo.convert.networks.speaker_ge2e import build_speaker_ge2e
from facekey.zoo.convert.prelu import spell_out_prelu
from facekey.zoo.convert.preprocess import fold_preprocessing
from facekey.zoo.convert.state import StateDict
from facekey.zoo.convert.tfjs import read_tfjs
from facekey.zoo.convert.tflite import convert_tflite
from facekey.zoo.convert.torch_pickle import read_state_dict
from facekey.zoo.convert.widen import widen
from facekey.zoo.onnx import simplify

NETWORKS: Mapping[str, Callable[[StateDict], onnx.ModelProto]] = {
    "mtcnn_pnet": build_pnet,
    "mtcnn_rnet": build_rnet,
    "mtcnn_onet": build_onet,
    "inception_resnet_v1": build_inception_resnet_v1,
    "dlib_resnet29": build_dlib_resnet29,
    "speaker_ge2e": build_speaker_ge2e,
}
"""Definitions for weights that come without a graph."""

FIRST_WITHOUT_LISTED_WEIGHTS = 4
"""The IR version from which weights need not be inputs as well."""

# Measured with ONNX Runtime 1.31 on 2 threads, graph against numpy, 20th percentile of
# 150 alternating runs: RetinaFace 640x480 0.78 and 0.85, P-Net 384x288 0.91, O-Net 8 x
# 48 px 0.71, face mesh 0.92, R-Net 32 x 24 px 0.94, MobileFaceNet 0.98 alone and 1.00 for
# a batch of 8. Never slower beyond the noise, so every network takes uint8 RGB.


def convert(card: Card, weights: bytes) -> bytes:
    """Make the network of a card.

    Args:
        card: says how.
        weights: the published file; its hash has been checked.

    Returns:
        An ONNX file. With `[input]` on the card it takes `image` (N, H, W, 3) uint8 RGB;
        without, what the file takes. The outputs have the card's names, order and shapes.

    Raises:
        ConversionError: the file is not what the card says.
    """
    try:
        model = _graph(card, weights)
        _name_outputs(card, model)
        if card.input is not None:
            _check_size(card, model)
            model = fold_preprocessing(
                model, colours=card.input.colours, mean=card.input.mean, scale=card.input.scale
            )
        # Simplified first: only then a PRelu stands right behind its convolution.
        plain = onnx.load_model_from_string(simplify(model.SerializeToString()))
        return simplify(widen(spell_out_prelu(plain)).SerializeToString())
    except (UnicodeDecodeError, onnx.checker.ValidationError) as error:
        # A broken file may be read to its end and hold names that are none.
        raise ConversionError(f"{card.name}: the graph is broken: {error}") from error


def _graph(card: Card, weights: bytes) -> onnx.ModelProto:
    if card.weights.format == "tflite":
        return convert_tflite(weights, name=card.name, outputs=[output.name for output in card.outputs])
    if card.weights.format in WITHOUT_GRAPH:
        build = NETWORKS.get(card.weights.network or "")
        if build is None:
            raise ConversionError(f"{card.name}: there is no definition of {card.weights.network}")
        read = read_tfjs if card.weights.format == "tfjs" else read_state_dict
        return build(StateDict(read(weights)))
    try:
        model = onnx.load_model_from_string(weights)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise ConversionError(f"{card.name}: not an ONNX file: {error}") from error
    _drop_weights_from_inputs(model)
    _free_batch(model)
    return model


def _drop_weights_from_inputs(model: onnx.ModelProto) -> None:
    """Older exporters list the weights among the inputs, which keeps them from being folded."""
    weights = {value.name for value in model.graph.initializer}
    kept = [value for value in model.graph.input if value.name not in weights]
    if len(kept) < len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)
        model.ir_version = max(model.ir_version, FIRST_WITHOUT_LISTED_WEIGHTS)


def _free_batch(model: onnx.ModelProto) -> None:
    """Some exporters leave the batch of the input free and write that of their trial run at the outputs.

    `proof.prove` shows that it is free there, too.
    """
    if not all(len(value.type.tensor_type.shape.dim) > 1 for value in model.graph.input):
        return
    if any(value.type.tensor_type.shape.dim[0].dim_value for value in model.graph.input):
        return
    for value in model.graph.output:
        if value.type.tensor_type.shape.dim and value.type.tensor_type.shape.dim[0].dim_value == 1:
            value.type.tensor_type.shape.dim[0].dim_param = "batch"


def _name_outputs(card: Card, model: onnx.ModelProto) -> None:
    """Give the outputs the card's names; exporters leave numbers."""
    found = [_shape(value) for value in model.graph.output]
    wanted = [output.shape for output in card.outputs]
    if len(found) != len(wanted) or not all(map(_fits, found, wanted)):
        raise ConversionError(f"{card.name}: the outputs are {found}, the card says {wanted}")
    taken = {name for node in model.graph.node for name in node.output}
    for value, output in zip(model.graph.output, card.outputs, strict=True):
        if value.name == output.name:
            continue
        if output.name in taken:
            raise ConversionError(f"{card.name}: the graph uses the name {output.name} for something else")
        model.graph.node.append(onnx.helper.make_node("Identity", [value.name], [output.name]))
        value.name = output.name


def _check_size(card: Card, model: onnx.ModelProto) -> None:
    constants = {value.name for value in model.graph.initializer}
    images = [_shape(value) for value in model.graph.input if value.name not in constants]
    size = card.input.size if card.input is not None else (0, 0)
    if len(images) != 1 or not _fits(images[0], (3, *size)):
        raise ConversionError(f"{card.name}: the inputs are {images}, the card says {(3, *size)}")


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Without the batch; 0 for a free size."""
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim[1:])


def _fits(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(found) == len(wanted) and all(
        0 in pair or pair[0] == pair[1] for pair in zip(found, wanted, strict=True)
    )
