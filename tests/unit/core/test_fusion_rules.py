"""Learned fusions: who they are for, what they hold whatever was trained."""

from collections.abc import Mapping

import numpy as np
import pytest

from facekey.core.calibration import Calibration
from facekey.core.fused_embedding import EmbeddingFusion
from facekey.core.fusion import FusionRule, ScoreFusion, fuse
from facekey.core.matching import Matcher
from facekey.core.types import Embedding, Floats, ModelId, References, SubjectId, Template
from tests.unit.core.made import BORN, CALIBRATION, DIMENSIONS, direction, near

A, B, C = ModelId("a:0"), ModelId("b:0"), ModelId("c:0")
CALIBRATIONS = {A: CALIBRATION, B: CALIBRATION, C: CALIBRATION}
LINE = Calibration(((0.0, 1.0), (0.5, 3.0), (1.0, 6.0)), BORN)


class Adding:
    """Fuses by adding the vectors."""

    def fuse(self, vectors: Mapping[ModelId, Floats]) -> Floats:
        total: Floats = np.sum(list(vectors.values()), axis=0)
        return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), np.float32)


RULES: list[FusionRule] = [
    ScoreFusion({A: 0.75, B: 0.25}, LINE),
    EmbeddingFusion(Adding(), frozenset({A, B}), LINE),
]


def person(seed: int, *models: ModelId) -> Template:
    vectors = np.stack([near(direction(seed), 0.8, seed + 100 + photo) for photo in range(3)])
    return Template(SubjectId("alice"), tuple(References(model, vectors) for model in models))


def probe(seed: int, *models: ModelId) -> list[Embedding]:
    return [Embedding(near(direction(seed), 0.7, seed + 7), model) for model in models]


def test_a_weighted_sum_is_calibrated() -> None:
    centre = direction(1)
    left = [Embedding(centre, A), Embedding(centre, B)]
    right = [Embedding(near(centre, 0.6, 2), A), Embedding(near(centre, 0.2, 3), B)]
    match = Matcher(CALIBRATIONS, RULES[:1]).compare_probes(left, right)
    assert match.evidence == pytest.approx(3.0, abs=1e-4)  # 0.75 x 0.6 + 0.25 x 0.2
    assert set(match.by_network) == {A, B}


@pytest.mark.parametrize("learned", RULES, ids=["scores", "embedding"])
def test_a_set_without_a_rule_is_merged_and_old_templates_still_count(learned: FusionRule) -> None:
    matcher = Matcher(CALIBRATIONS, [learned])
    template = person(1, A, B)
    match = matcher.compare(probe(1, A, B), template)
    assert match.evidence == pytest.approx(
        learned.evidence(
            {one.model: one.vector for one in probe(1, A, B)},
            {one.model: one.mean() for one in template.references},
        )
    )
    # A network that came later: old and new are compared on what they share.
    assert matcher.compare(probe(1, A, B, C), template).evidence == pytest.approx(match.evidence)
    alone = matcher.compare(probe(1, A, C), template)
    assert alone.evidence == pytest.approx(alone.by_network[A])
    other = matcher.compare(probe(1, A, B, C), person(1, B, C))
    assert other.evidence == pytest.approx(fuse(list(other.by_network.values())))


@pytest.mark.parametrize("models", [(A, B), (A, B, C), (A, C), (C,)], ids=len)
@pytest.mark.parametrize("learned", RULES, ids=["scores", "embedding"])
def test_many_at_once_are_one_by_one(learned: FusionRule, models: tuple[ModelId, ...]) -> None:
    matcher = Matcher(CALIBRATIONS, [learned])
    people, probes = [person(seed, *models) for seed in range(4)], [probe(seed, *models) for seed in range(3)]
    stacked = {model: np.stack([dict(_vectors(one))[model] for one in probes]) for model in models}
    means = {
        model: np.stack([one.mean() for who in people for one in who.references if one.model == model])
        for model in models
    }
    together = matcher.evidences(stacked, means)
    assert together.shape == (3, 4)
    for row, one in enumerate(probes):
        for column, who in enumerate(people):
            assert together[row, column] == pytest.approx(matcher.compare(one, who).evidence, abs=1e-4)


@pytest.mark.parametrize("learned", RULES, ids=["scores", "embedding"])
def test_a_number_that_is_none_is_never_a_score(learned: FusionRule) -> None:
    broken = {A: np.full(DIMENSIONS, np.nan, np.float32), B: direction(1)}
    with pytest.raises(ValueError, match="finite"):
        learned.evidence(broken, {A: direction(1), B: direction(1)})


@pytest.mark.parametrize(
    "weights",
    [
        {A: 1.0},
        {A: 0.5, B: 0.6},
        {A: 1.0, B: 0.0},
        {A: 1.5, B: -0.5},
        {A: 0.5, B: float("nan")},
    ],
)
def test_likeness_never_lowers_a_score(weights: dict[ModelId, float]) -> None:
    with pytest.raises(ValueError, match=r"weight"):
        ScoreFusion(weights, LINE)


def test_what_is_no_fusion_is_refused() -> None:
    with pytest.raises(ValueError, match="two networks"):
        EmbeddingFusion(Adding(), frozenset({A}), LINE)
    with pytest.raises(ValueError, match="same networks"):
        Matcher(CALIBRATIONS, RULES)


def _vectors(embeddings: list[Embedding]) -> list[tuple[ModelId, Floats]]:
    return [(one.model, one.vector) for one in embeddings]
