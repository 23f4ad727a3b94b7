"""The networks of a bundle, in one of its precisions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from facekey.core.errors import ConversionError
from facekey.core.types import ModelId, Pixels
from facekey.edge.compact import halve, quarter
from facekey.edge.quantise import modernised, quantise
from facekey.edge.ranges import measure
from facekey.edge.recipe import Recipe, Treatment
from facekey.zoo.cards import Card
from facekey.zoo.convert.widen import narrow

_HASH_DIGITS = 8


class Precision(StrEnum):
    """What a bundle is made for."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Made:
    """One network of a bundle.

    Attributes:
        content: the ONNX file.
        model_id: that of the card for an unchanged network; else it names the precision and the file.
        how: what was done, for people.
    """

    content: bytes
    model_id: ModelId
    how: str


def make_network(
    card: Card,
    graph: bytes,
    *,
    precision: Precision,
    recipe: Recipe,
    pictures: Sequence[Pixels] = (),
) -> Made:
    """One network in the precision of the bundle.

    Args:
        card: of the network.
        graph: as the zoo made it: takes (N, H, W, 3) uint8 RGB.
        precision: `fp32` changes nothing.
        recipe: of the small bundle.
        pictures: measure the ranges of activations on these, as the network sees them; with
            none, those that come with FaceKey are taken.

    Raises:
        ConversionError: the network can't be changed this way.
        CardInvalid: there are no ranges for it.
    """
    if precision is Precision.FP32:
        return Made(graph, card.model_id, "as the service runs it")
    model = prepared(graph, card.name)
    if precision is Precision.FP16:
        return _named(card, precision, halve(model), "weights stored as float16, computed in float32")
    treatment = recipe.treatments.get(card.name)
    if treatment is None:
        raise ConversionError(f"the recipe of int8 bundles has no network {card.name}")
    nodes = treatment.nodes(model)
    if nodes:
        ranges = (
            measure(model, pictures, nodes=nodes, share=treatment.share)
            if pictures
            else recipe.ranges(card.name)
        )
        model = quantise(model, ranges, nodes=nodes)
    return _named(card, precision, _stored(model, treatment), _how(treatment, len(nodes)))


def prepared(graph: bytes, name: str) -> onnx.ModelProto:
    """A network ready to be changed: of a new enough opset, every node with a name.

    Raises:
        ConversionError: it is no ONNX file.
    """
    try:
        model = onnx.load_model_from_string(graph)
    except DecodeError as error:
        raise ConversionError(f"{name}: not an ONNX file: {error}") from error
    model = narrow(modernised(model))
    for place, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{place}"
    model.graph.name = name
    return model


def _stored(model: onnx.ModelProto, treatment: Treatment) -> onnx.ModelProto:
    return quarter(model) if treatment.weights == "int8" else halve(model)


def _how(treatment: Treatment, nodes: int) -> str:
    rest = f"weights stored as {treatment.weights}, computed in float32"
    return f"{nodes} operators in int8; the rest: {rest}" if nodes else rest


def _named(card: Card, precision: Precision, model: onnx.ModelProto, how: str) -> Made:
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ConversionError(f"{card.name}: {error}") from error
    content = model.SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]
    return Made(content, ModelId(f"{card.model_id}+{precision}.{digest}"), how)
