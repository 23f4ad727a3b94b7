"""The turn of vectors that leave the process: what it keeps, and what it takes away."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekey.core.similarity import cosine
from facekey.core.types import Embedding, Floats, ModelId
from facekey.store.turning import Turn, turn_of

MODEL, OTHER_MODEL = ModelId("made:1"), ModelId("made:2")
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
DIMENSIONS = 512
TURN = turn_of(KEY, MODEL, DIMENSIONS)


def drawn(count: int, dimensions: int = DIMENSIONS) -> Floats:
    """Unit vectors."""
    vectors = np.random.default_rng(4).standard_normal((count, dimensions))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def turned(turn: Turn, vectors: Floats) -> Floats:
    return np.stack([turn(Embedding(vector, turn.model)) for vector in vectors])


def test_cosines_stay() -> None:
    vectors = drawn(64)
    after = turned(TURN, vectors)
    assert after.dtype == np.float32
    assert np.abs(after @ after.T - vectors @ vectors.T).max() < 1e-5


@given(st.binary(min_size=32, max_size=32), st.integers(2, 48))
@settings(max_examples=50, deadline=None)
def test_cosines_stay_under_any_key(key: bytes, dimensions: int) -> None:
    turn, (left, right) = turn_of(key, MODEL, dimensions), drawn(2, dimensions)
    before = cosine(Embedding(left, MODEL), Embedding(right, MODEL))
    assert abs(float(turn(Embedding(left, MODEL)) @ turn(Embedding(right, MODEL))) - before) < 1e-5
    assert np.abs(turn.matrix @ turn.matrix.T - np.eye(dimensions)).max() < 1e-12


@pytest.mark.parametrize(
    "other",
    [turn_of(OTHER_KEY, MODEL, DIMENSIONS), Turn(MODEL, "none", np.eye(DIMENSIONS))],
    ids=["turned by another key", "not turned"],
)
def test_what_another_key_turned_is_a_stranger(other: Turn) -> None:
    vectors = drawn(2000)
    cosines = np.sum(turned(TURN, vectors) * turned(other, vectors), axis=1)
    # Of two random directions in 512 dimensions: mean 0, deviation 1 / sqrt(512) = 0.044.
    assert abs(float(cosines.mean())) < 0.005
    assert 0.040 < float(cosines.std()) < 0.049
    assert float(np.abs(cosines).max()) < 0.25


def test_each_network_has_a_turn_of_its_own() -> None:
    assert (
        len(
            {
                turn_of(key, model, size).turn_id
                for key in (KEY, OTHER_KEY)
                for model in (MODEL, OTHER_MODEL)
                for size in (8, 9)
            }
        )
        == 8
    )
    with pytest.raises(ValueError, match="not of made:2"):
        TURN(Embedding(drawn(1)[0], OTHER_MODEL))


def test_directions_are_uniform() -> None:
    """Where one fixed vector goes under many keys: every direction alike, the last row too."""
    keys = (hashlib.sha256(str(number).encode()).digest() for number in range(3000))
    images = np.stack([turn_of(key, MODEL, 3).matrix for key in keys])  # (3000, 3, 3)
    assert np.abs(images.mean(axis=0)).max() < 0.05
    # A coordinate of a uniform direction in three dimensions is itself uniform over -1..1.
    shares = np.stack([np.mean(images < edge, axis=0) for edge in (-0.5, 0.0, 0.5)])
    assert np.abs(shares - np.array([0.25, 0.5, 0.75])[:, None, None]).max() < 0.04
    assert 0.45 < float(np.mean(np.linalg.det(images) > 0)) < 0.55


def test_the_derivation_stays_as_it_is_documented() -> None:
    """Another matrix for the same key would void every index that is out there."""
    small = turn_of(KEY, MODEL, 3)
    assert small.turn_id == "fee93d9260b2634b"
    np.testing.assert_allclose(
        small.matrix,
        [
            [-0.233413909220191, -0.8751771326877734, 0.4237722659671768],
            [0.8340158869626894, -0.40425494230579107, -0.37549359770198465],
            [-0.4999354431087948, -0.26578737374402966, -0.8242703589732343],
        ],
        atol=1e-12,
    )


def test_the_matrix_is_not_shown() -> None:
    assert "matrix" not in repr(TURN)
