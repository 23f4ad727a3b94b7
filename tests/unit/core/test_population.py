import numpy as np
import pytest

from facekey.core.population import Population
from facekey.core.similarity import likeness_of


def test_the_spread_is_that_of_strangers_scores() -> None:
    dice = np.random.default_rng(3)
    factor = dice.standard_normal((8, 8)).astype(np.float32) * 0.1
    population = Population(np.zeros(8, np.float32), factor)
    strangers = dice.standard_normal((200_000, 8)).astype(np.float32) @ factor.T
    face = dice.standard_normal(8).astype(np.float32)
    face /= np.linalg.norm(face)
    for mean in (face, 0.7 * face):  # one photo, and the mean of several
        scores = strangers @ mean / np.sqrt(np.linalg.norm(mean))
        assert population.spread_of(mean) == pytest.approx(float(scores.std()), rel=0.02)
        assert population.spread(mean[np.newaxis])[0] == pytest.approx(population.spread_of(mean))


def test_a_likeness_is_a_cosine_for_single_photos() -> None:
    left, right = np.array([1.0, 0.0], np.float32), np.array([0.6, 0.8], np.float32)
    assert likeness_of(left, right) == pytest.approx(0.6)
    assert likeness_of(left, 0.25 * right) == pytest.approx(0.3)  # a mean of photos that differ
