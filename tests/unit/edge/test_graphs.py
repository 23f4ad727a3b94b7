"""Changed graphs compute what they did: weights stored small, operators in int8."""

import numpy as np
import onnx
import pytest

from facekey.core.errors import ConversionError, ModelError
from facekey.edge.compact import halve, quarter
from facekey.edge.made import prepared
from facekey.edge.quantise import quantise
from facekey.edge.ranges import activations, measure
from facekey.zoo.convert.prelu import spell_out_prelu
from tests.unit.zoo.bent import GENTLE, PICTURE, computed, network


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
