"""Changed graphs compute what they did: PReLU spelled out, weights stored small, operators in int8."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from facekey.core.errors import ConversionError, ModelError
from facekey.core.types import Floats, ModelId
from facekey.edge.compact import halve, quarter
from facekey.edge.made import prepared
from facekey.edge.prelu import spell_out_prelu
from facekey.edge.quantise import quantise
from facekey.edge.ranges import activations, measure
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo

CHANNELS = 32
PICTURE = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)


def network(slopes: Floats, *, residual: bool = False, largest: float = 1.0) -> onnx.ModelProto:
    """Pictures through a convolution, PRelu, a convolution by depth, PRelu, a last convolution."""
    rng = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        values = largest * rng.normal(0, 0.3, shape)
        return numpy_helper.from_array(values.astype(np.float32), name)

    constants = [
        weight("w1", CHANNELS, 3, 3, 3),
        weight("b1", CHANNELS),
        weight("w2", CHANNELS, 1, 3, 3),
        weight("w3", CHANNELS, CHANNELS, 1, 1),
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
        helper.make_node("Conv", ["p1", "w2"], ["y2"], pads=(1, 1, 1, 1), group=CHANNELS, name="depth"),
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


@pytest.mark.parametrize("residual", [False, True], ids=["in a row", "with a shortcut"])
@pytest.mark.parametrize("slopes", [GENTLE, STEEP, ONE], ids=["gentle", "steep", "straight"])
def test_a_network_without_prelu_gives_the_same(slopes: Floats, residual: bool) -> None:
    model = network(slopes, residual=residual)
    before = model.SerializeToString()

    spelled = spell_out_prelu(model)

    assert model.SerializeToString() == before
    assert "PRelu" not in {node.op_type for node in spelled.graph.node}
    assert {"s1", "s2"}.isdisjoint(value.name for value in spelled.graph.initializer)
    expected = computed(model)
    assert np.abs(computed(spelled) - expected).max() < 5e-4 * np.abs(expected).max()


def test_a_slope_for_every_pixel_stays_as_it_is() -> None:
    model = network(GENTLE)
    per_pixel = np.broadcast_to(GENTLE.reshape(-1, 1, 1), (CHANNELS, 12, 12))
    slopes = next(value for value in model.graph.initializer if value.name == "s1")
    slopes.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(per_pixel), "s1"))

    spelled = spell_out_prelu(model)

    assert [node.op_type for node in spelled.graph.node].count("PRelu") == 1
    assert np.allclose(computed(spelled), computed(model), atol=1e-3)


@pytest.mark.parametrize(("store", "smaller", "error"), [(halve, 1.6, 2e-3), (quarter, 1.9, 3e-2)])
def test_small_weights_are_smaller_and_nearly_the_same(store, smaller: float, error: float) -> None:  # type: ignore[no-untyped-def]
    model = network(GENTLE)

    stored = store(model)

    onnx.checker.check_model(stored)
    assert len(model.SerializeToString()) > smaller * _weight_bytes(stored)
    expected = computed(model)
    assert np.abs(computed(stored) - expected).max() < error * np.abs(expected).max()


def _weight_bytes(model: onnx.ModelProto) -> int:
    return sum(len(value.raw_data) for value in model.graph.initializer)


@pytest.mark.parametrize("store", [halve, quarter])
def test_weights_beyond_float16_are_refused(store) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConversionError, match="too large"):
        store(network(GENTLE, largest=1e6))


def test_named_nodes_are_computed_in_int8() -> None:
    model = spell_out_prelu(network(GENTLE))
    nodes = ["first", "depth", "last"]
    ranges = measure(model, list(PICTURE), nodes=nodes, share=1.0)

    small = quantise(model, ranges, nodes=nodes)

    onnx.checker.check_model(small)
    assert set(ranges) == set(activations(model, nodes))
    codes = [value for value in small.graph.initializer if value.data_type == onnx.TensorProto.INT8]
    assert {value.name.partition("_")[0] for value in codes} >= {"w1", "w2", "w3"}
    expected = computed(model)
    error = np.abs(computed(small) - expected)
    assert 0 < error.max() < 0.1 * np.abs(expected).max()


@pytest.mark.parametrize(("nodes", "why"), [(["nothing"], "no node nothing"), (["first"], "quantised")])
def test_what_is_missing_for_int8_is_named(nodes: list[str], why: str) -> None:
    with pytest.raises(ConversionError, match=why):
        quantise(network(GENTLE), {}, nodes=nodes)


def test_no_pictures_measure_nothing() -> None:
    with pytest.raises(ModelError, match="could not be measured"):
        measure(network(GENTLE), [], nodes=["first"], share=1.0)


def test_half_a_file_is_no_network() -> None:
    with pytest.raises(ConversionError, match="not an ONNX file"):
        prepared(network(GENTLE).SerializeToString()[:200], "half")


@pytest.mark.parametrize("name", ["mobilefacenet", "facemesh", "liveness_minifasnet"])
def test_the_default_networks_compute_the_same_without_prelu(zoo: Zoo, name: str) -> None:
    graph = zoo.graph(name)
    whole = OnnxSession(graph, model_id=ModelId(name), threads=1)
    spelled = OnnxSession(prepared(graph, name).SerializeToString(), model_id=ModelId(name), threads=1)
    _, height, width, _ = whole.inputs[0].shape
    picture = np.random.default_rng(0).integers(0, 256, (1, height or 0, width or 0, 3), dtype=np.uint8)
    for expected, got in zip(whole.run(picture), spelled.run(picture), strict=True):
        assert np.abs(got - expected).max() < 1e-4 * max(1.0, float(np.abs(expected).max()))
