"""Filled up with empty channels, a network computes what it did."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from facekey.core.types import ModelId
from facekey.zoo.convert import conversion
from facekey.zoo.convert.prelu import spell_out_prelu
from facekey.zoo.convert.widen import BLOCK, narrow, widen
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo
from tests.unit.zoo.bent import CHANNELS, computed, network


def odd(channels: int, *, residual: bool = False) -> onnx.ModelProto:
    return spell_out_prelu(network(np.linspace(-0.9, 0.9, channels, dtype=np.float32), residual=residual))


def channels_of(model: onnx.ModelProto) -> set[int]:
    return {value.dims[0] for value in model.graph.initializer if value.name in ("w1", "b1", "w2")}


@pytest.mark.parametrize("residual", [False, True], ids=["in a row", "with a shortcut"])
@pytest.mark.parametrize("channels", [3, 13, 103])
def test_a_network_of_whole_blocks_gives_the_same(channels: int, residual: bool) -> None:
    model = odd(channels, residual=residual)
    before = model.SerializeToString()

    wide = widen(model)

    onnx.checker.check_model(wide)
    assert model.SerializeToString() == before
    assert channels_of(wide) == {channels + -channels % BLOCK}
    expected = computed(model)
    assert np.abs(computed(wide) - expected).max() < 1e-5 * np.abs(expected).max()
    assert narrow(wide) == model, "and back"


def test_whole_blocks_stay_as_they_are() -> None:
    model = odd(CHANNELS)
    assert widen(model) == model
    assert narrow(model) == model


def test_channels_that_are_an_output_stay() -> None:
    model = odd(13)
    model.graph.output.append(helper.make_tensor_value_info("y2", onnx.TensorProto.FLOAT, ("n", 13, 12, 12)))
    assert widen(model) == model


def test_channels_that_something_else_looks_at_stay() -> None:
    model = odd(13)
    model.graph.node.append(helper.make_node("GlobalAveragePool", ["y2"], ["mean"]))
    model.graph.output.append(helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, ("n", 13, 1, 1)))
    assert widen(model) == model


def test_weights_that_two_layers_share_stay() -> None:
    model = odd(13)
    model.graph.node.append(helper.make_node("Conv", ["x", "w1", "b1"], ["twin"], pads=(1, 1, 1, 1)))
    model.graph.output.append(
        helper.make_tensor_value_info("twin", onnx.TensorProto.FLOAT, ("n", 13, 12, 12))
    )
    assert widen(model) == model


def test_a_sum_with_something_from_outside_stays() -> None:
    model = odd(13, residual=True)
    add = next(node for node in model.graph.node if node.name == "both")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 13, 1, 1), np.float32), "ones"))
    add.input[1] = "ones"
    assert widen(model) == model


def test_minifasnet_computes_the_same(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    card = zoo.card("liveness_minifasnet")
    published = zoo.published(card.name).read_bytes()
    wide = conversion.convert(card, published)
    monkeypatch.setattr(conversion, "widen", lambda model: model)
    narrow = conversion.convert(card, published)
    assert len(wide) > len(narrow), "another graph"
    picture = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    (got,), (expected,) = (
        OnnxSession(graph, model_id=ModelId("made"), threads=1).run(picture) for graph in (wide, narrow)
    )
    assert np.abs(got - expected).max() < 1e-4 * max(1.0, float(np.abs(expected).max()))
