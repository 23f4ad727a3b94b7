import numpy as np
import pytest

from facekey.core.matching import Matcher
from facekey.core.types import Embedding, ModelId, References, SubjectId, Template
from facekey.evaluation.acquire import Capture, stacked
from facekey.evaluation.scoring import FUSION, Scorer, rows_of, templates
from tests.unit.evaluation.made import FIRST, SECOND, calibration, capture, engine


def probe(one: Capture) -> list[Embedding]:
    return [Embedding(vector, model) for model, vector in one.vectors.items()]


@pytest.mark.parametrize("models", [(FIRST,), (FIRST, SECOND)], ids=["one network", "two networks"])
def test_scores_are_those_of_the_matcher(models: tuple[ModelId, ...]) -> None:
    judge = engine(*models)
    left = [capture(n, 0, spread=0.8, models=models) for n in range(5)]
    right = [capture(n, 1, spread=0.8, models=models) for n in (0, 1, 4, 3, 2)]
    scorer = Scorer(judge.matcher, judge.calibrations)
    made = scorer.paired(stacked(left), stacked(right))
    crossed = scorer.crossed(stacked(left), stacked(right))
    assert tuple(made) == scorer.systems
    for row, (one, other) in enumerate(zip(left, right, strict=True)):
        match = judge.matcher.compare_probes(probe(one), probe(other))
        deciding = made[scorer.systems[0]]
        assert deciding[row] == pytest.approx(match.evidence, abs=1e-5)
        assert crossed[scorer.systems[0]][row, row] == pytest.approx(match.evidence, abs=1e-5)
        for model, evidence in match.by_network.items():
            assert made[model.partition(":")[0]][row] == pytest.approx(evidence, abs=1e-5)
    assert (FUSION in scorer.systems) == (len(models) > 1)


def test_templates_are_compared_as_the_product_compares_them() -> None:
    models = (FIRST, SECOND)
    judge = engine(*models)
    photos = [[capture(n, k, spread=0.7, models=models) for k in range(4)] for n in range(3)]
    probes = [capture(n, 9, spread=0.7, models=models) for n in range(3)]
    rows = templates([stacked(some) for some in photos])
    scores = Scorer(judge.matcher, judge.calibrations).crossed(rows, stacked(probes))[FUSION]
    for row, some in enumerate(photos):
        template = Template(
            SubjectId("a"), tuple(References(model, vectors) for model, vectors in stacked(some).items())
        )
        for column, one in enumerate(probes):
            match = judge.matcher.compare(probe(one), template)
            assert scores[row, column] == pytest.approx(match.evidence, abs=1e-4)


def test_rows_by_slice_and_by_mask() -> None:
    stack = stacked([capture(n, 0, spread=0.1) for n in range(4)])
    assert rows_of(stack, slice(1, 3))[FIRST].shape[0] == 2
    assert rows_of(stack, np.array([True, False, False, True]))[FIRST].shape[0] == 2


def test_a_network_without_calibration_has_no_say() -> None:
    scorer = Scorer(engine(SECOND).matcher, {SECOND: calibration()})
    stack = stacked([capture(0, 0, spread=0.1, models=(FIRST, SECOND))])
    assert set(scorer.paired(stack, stack)) == {"second"}
    with pytest.raises(ValueError, match="at least one"):
        Scorer(engine().matcher, {})


def test_a_matcher_takes_the_same_calibrations() -> None:
    judge = engine(FIRST, SECOND)
    assert Matcher(judge.calibrations).models == judge.matcher.models


@pytest.mark.parametrize("captures", [[], [Capture({})]])
def test_only_faces_can_be_stacked(captures: list[Capture]) -> None:
    with pytest.raises(ValueError, match="with a face"):
        stacked(captures)
