"""TensorFlow.js weights: a manifest, then the tensors."""

import json

import numpy as np
import pytest

from facekey.core.errors import ConversionError
from facekey.zoo.convert.tfjs import read_tfjs

PLAIN = np.array([[0.5, -1.0], [2.0, 3.25]], "<f4")
SMALL = np.array([0, 10, 255], np.uint8)
ENTRIES: list[dict[str, object]] = [
    {"name": "plain", "shape": [2, 2], "dtype": "float32"},
    {"name": "small", "shape": [3], "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
]


def written(entries: object = ENTRIES, tensors: bytes = PLAIN.tobytes() + SMALL.tobytes()) -> bytes:
    return json.dumps([{"weights": entries, "paths": ["x.bin"]}]).encode() + tensors


def test_tensors_come_in_the_order_of_the_manifest() -> None:
    tensors = read_tfjs(written())
    assert list(tensors) == ["plain", "small"]
    assert np.array_equal(tensors["plain"], PLAIN)
    assert np.array_equal(tensors["small"], np.array([-1.0, 4.0, 126.5], np.float32))
    assert all(values.dtype == np.float32 for values in tensors.values())


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        written()[:-1],
        written() + b"x",
        written(entries=[{"name": "x"}]),
        written(entries=7),
        written(entries=[*ENTRIES, ENTRIES[0]]),
        written(entries=[{"name": "x", "shape": [-1]}]),
        written(entries=[{"name": "x", "shape": [1], "quantization": {"dtype": "uint16"}}]),
    ],
    ids=[
        "empty",
        "text",
        "bytes",
        "deep",
        "short",
        "long",
        "no-shape",
        "no-list",
        "twice",
        "minus",
        "uint16",
    ],
)
def test_what_is_not_whole_is_refused(weights: bytes) -> None:
    with pytest.raises(ConversionError):
        read_tfjs(weights)
