"""PReLU spelled out computes what it did."""

import numpy as np
import pytest
from onnx import numpy_helper

from facekey.core.types import Floats, ModelId
from facekey.zoo.convert import conversion
from facekey.zoo.convert.prelu import spell_out_prelu
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo
from tests.unit.zoo.bent import CHANNELS, GENTLE, ONE, STEEP, computed, network


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


@pytest.mark.parametrize("name", ["mobilefacenet", "facemesh", "iris", "liveness_minifasnet"])
def test_the_default_networks_compute_the_same_without_prelu(
    zoo: Zoo, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, published = zoo.card(name), zoo.published(name).read_bytes()
    spelled = OnnxSession(conversion.convert(card, published), model_id=ModelId(name), threads=1)
    monkeypatch.setattr(conversion, "spell_out_prelu", lambda model: model)
    whole = OnnxSession(conversion.convert(card, published), model_id=ModelId(name), threads=1)
    _, height, width, _ = whole.inputs[0].shape
    picture = np.random.default_rng(0).integers(0, 256, (1, height or 0, width or 0, 3), dtype=np.uint8)
    for expected, got in zip(whole.run(picture), spelled.run(picture), strict=True):
        assert not np.array_equal(got, expected), "another graph"
        assert np.abs(got - expected).max() < 1e-4 * max(1.0, float(np.abs(expected).max()))
