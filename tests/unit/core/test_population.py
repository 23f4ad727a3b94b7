import numpy as np
import pytest

from facekey.core.population import JointPopulation, Population
from facekey.core.similarity import likeness_of
from facekey.core.types import ModelId


def test_a_joint_population_comes_apart_by_network() -> None:
    whole = Population(np.zeros(3, np.float32), np.eye(3, dtype=np.float32))
    parts = JointPopulation({ModelId("a:0"): 1, ModelId("b:0"): 2}, whole).split(
        np.arange(3, dtype=np.float32)
    )
    assert {model: part.tolist() for model, part in parts.items()} == {"a:0": [0.0], "b:0": [1.0, 2.0]}


def test_a_likeness_is_a_cosine_for_single_photos() -> None:
    left, right = np.array([1.0, 0.0], np.float32), np.array([0.6, 0.8], np.float32)
    assert likeness_of(left, right) == pytest.approx(0.6)
    assert likeness_of(left, 0.25 * right) == pytest.approx(0.3)  # a mean of photos that differ
