"""Made-up people whose vectors lie like those of real ones, as many as a measurement needs.

A person is drawn from a normal distribution and scaled to length 1. For 192 numbers it is the
population that ships with MobileFaceNet (mean and covariance of real people's mean embeddings); for
512 numbers the same spectrum, stretched to 512 directions. A mated probe is the person's vector turned
away in a random direction of the population, until the cosine between them is that of a real probe
with the mean of five photos: normal, mean 0.82, deviation 0.086, cut at 0.4 and 0.97 (LFW through the
pipeline with MobileFaceNet: 414 probes of people with more than five photos). A stranger is a person
who isn't enrolled.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from facekey.core.types import Floats
from facekey.zoo.zoo import default_cards_dir

OWN_DIMENSIONS = 192
CHUNK = 50_000
MATED_MEAN, MATED_DEVIATION = 0.82, 0.086
LOWEST, HIGHEST = 0.4, 0.97
ENROLLED, STRANGERS, PROBES = 1, 2, 3  # seeds


@cache
def spread(dimensions: int) -> tuple[Floats, Floats]:
    """Mean (D,) and factor (D, D) of a population."""
    shipped = np.load(default_cards_dir() / "weights" / "mobilefacenet-population.npy").astype(np.float32)
    mean, factor = shipped[0], shipped[1:]
    if dimensions == OWN_DIMENSIONS:
        return mean, factor
    powers = np.linalg.svd(factor, compute_uv=False) ** 2
    stretched = np.interp(np.linspace(0, 1, dimensions), np.linspace(0, 1, len(powers)), powers)
    stretched *= powers.sum() / stretched.sum()
    rng = np.random.default_rng(7)
    turn, _ = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))
    centre = rng.standard_normal(dimensions)
    centre *= np.linalg.norm(mean) / np.linalg.norm(centre)
    return centre.astype(np.float32), (turn * np.sqrt(stretched)).astype(np.float32)


def people(count: int, dimensions: int, *, seed: int = ENROLLED) -> Iterator[tuple[int, Floats]]:
    """Unit vectors in chunks: the number of the first, and (N, D) float32."""
    mean, factor = spread(dimensions)
    for first in range(0, count, CHUNK):
        rng = np.random.default_rng([seed, first])
        size = min(CHUNK, count - first)
        drawn = mean + rng.standard_normal((CHUNK, dimensions), dtype=np.float32)[:size] @ factor.T
        yield first, _unit(drawn)


def mated(enrolled: Floats) -> Floats:
    """A probe of each of these people, (N, D)."""
    rng = np.random.default_rng([PROBES, len(enrolled)])
    _, factor = spread(enrolled.shape[1])
    cosines = np.clip(rng.normal(MATED_MEAN, MATED_DEVIATION, (len(enrolled), 1)), LOWEST, HIGHEST)
    aside = rng.standard_normal(enrolled.shape, dtype=np.float32) @ factor.T
    aside = _unit(aside - np.sum(aside * enrolled, axis=1, keepdims=True) * enrolled)
    probes: Floats = (cosines * enrolled + np.sqrt(1 - cosines**2) * aside).astype(np.float32)
    return probes


def _unit(vectors: Floats) -> Floats:
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled
