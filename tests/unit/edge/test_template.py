"""Templates of bundles: what was written is read, anything else is refused."""

import hashlib
import json
from collections.abc import Callable

import numpy as np
import pytest

from facekey.core.errors import ModelMismatch, RequestInvalid
from facekey.core.types import Floats, ModelId, References
from facekey.edge.runner.template import MAX_BYTES, read_template, write_template

MODEL = ModelId("mobilefacenet:d8ba40c0127f+int8.00000000")


def vectors(count: int = 3) -> Floats:
    drawn = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    unit: Floats = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


def written(header: object, values: Floats) -> bytes:
    return sealed(json.dumps(header).encode() + b"\n" + values.astype("<f4").tobytes())


HEADER = {"format": "facekey-edge-1", "model": MODEL, "photos": 3, "size": 8}


def test_what_was_written_is_read() -> None:
    template = read_template(write_template(References(MODEL, vectors())), model=MODEL)
    (references,) = template.references
    assert references.model == MODEL
    assert np.array_equal(references.vectors, vectors())
    assert write_template(references) == written(HEADER, vectors())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: data + b"\0",
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data * (MAX_BYTES // len(data) + 1),
    ],
)
def test_damage_is_seen(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(RequestInvalid, match="enrol again"):
        read_template(spoil(write_template(References(MODEL, vectors()))), model=MODEL)


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "format": "facekey-edge-0"},
        {**HEADER, "photos": 2},
        {**HEADER, "photos": 0},
        {**HEADER, "size": "8x"},
        {key: value for key, value in HEADER.items() if key != "model"},
        [],
        3,
    ],
)
def test_a_header_that_does_not_fit_is_refused(header: object) -> None:
    with pytest.raises(RequestInvalid):
        read_template(written(header, vectors()), model=MODEL)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 3.0])
def test_vectors_that_are_no_directions_are_refused(value: float) -> None:
    broken = vectors()
    broken[1] = value
    with pytest.raises(RequestInvalid, match="directions"):
        read_template(written(HEADER, broken), model=MODEL)


def test_another_network_is_refused() -> None:
    data = write_template(References(ModelId("mobilefacenet:d8ba40c0127f"), vectors()))
    with pytest.raises(ModelMismatch):
        read_template(data, model=MODEL)
