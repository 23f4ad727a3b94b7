"""Made-up people as two or three networks would see them, in folds that share nobody."""

from collections.abc import Mapping

import numpy as np

from facekey.core.types import Floats, ModelId
from facekey.evaluation.pairs import Pair, PairList
from training.data.embedded import Embedded

FOLDS, PEOPLE, PHOTOS = 4, 15, 3
SHARP, BLURRED, DEAF = ModelId("sharp:0"), ModelId("blurred:0"), ModelId("deaf:0")
NOISE = {SHARP: 0.8, BLURRED: 1.0, DEAF: 30.0}
SIZES = {SHARP: 24, BLURRED: 16, DEAF: 8}


def people(*models: ModelId, seed: int = 0) -> Embedded:
    """Everybody a few times; each network with noise of its own."""
    dice = np.random.default_rng(seed)
    names = [
        f"p{fold}_{person}/{photo}.jpg"
        for fold in range(FOLDS)
        for person in range(PEOPLE)
        for photo in range(PHOTOS)
    ]
    numbers = np.unique([name.partition("/")[0] for name in names], return_inverse=True)[1]

    def seen(model: ModelId) -> Floats:
        centres = dice.standard_normal((FOLDS * PEOPLE, SIZES[model]))
        raw = centres[numbers] + NOISE[model] * dice.standard_normal((len(names), SIZES[model]))
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)

    straight = {model: seen(model) for model in models}
    mirrored: Mapping[ModelId, Floats] = {model: vectors.copy() for model, vectors in straight.items()}
    lengths = {
        model: np.full(len(names), 2.0, np.float32) + dice.random(len(names), np.float32) for model in models
    }
    return Embedded(tuple(names), numbers, straight, dict(mirrored), lengths, 0)


def listed(given: Embedded) -> PairList:
    """Pairs of each fold: everybody with themselves, and with the next."""
    pairs = []
    for fold in range(FOLDS):
        for person in range(PEOPLE):
            own, other = f"p{fold}_{person}", f"p{fold}_{(person + 1) % PEOPLE}"
            pairs.append(Pair(f"{own}/0.jpg", f"{own}/1.jpg", True, fold))
            pairs.append(Pair(f"{own}/0.jpg", f"{other}/2.jpg", False, fold))
    return PairList("made up", tuple(pairs), dict.fromkeys(given.names, 1))
