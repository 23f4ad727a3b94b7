import numpy as np
import pytest

from facekey.core.calibration import confidence
from facekey.core.errors import ModelMismatch
from facekey.core.fusion import fuse
from facekey.core.matching import Matcher
from facekey.core.similarity import cosine
from facekey.core.types import Embedding, ModelId, References, SubjectId, Template
from tests.unit.core.made import CALIBRATION, MODEL, direction, near

OTHER = ModelId("other:111111111111")
UNCALIBRATED = ModelId("unmeasured:222222222222")
CENTRE = direction(1)


def template(*models: ModelId) -> Template:
    return Template(SubjectId("alice"), tuple(References(model, CENTRE[np.newaxis]) for model in models))


def test_one_network() -> None:
    match = Matcher({MODEL: CALIBRATION}).compare([Embedding(near(CENTRE, 0.6, 2), MODEL)], template(MODEL))
    assert match.evidence == pytest.approx(4.0, abs=1e-4)
    assert Matcher({MODEL: CALIBRATION}).cosine_at(MODEL, 4.0) == pytest.approx(0.6)
    assert match.similarities == {
        "made": pytest.approx(0.65, abs=1e-4),
        "fusion": pytest.approx(0.65, abs=1e-4),
    }


def test_networks_that_both_sides_know_are_fused() -> None:
    matcher = Matcher({MODEL: CALIBRATION, OTHER: CALIBRATION})
    probe = [Embedding(near(CENTRE, 0.6, 2), MODEL), Embedding(near(CENTRE, 0.7, 3), OTHER)]
    match = matcher.compare(probe, template(MODEL, OTHER))
    assert match.evidence == pytest.approx(fuse([4.0, 5.0]), abs=1e-4)
    assert match.confidence == pytest.approx(confidence(match.evidence))
    # The person was enrolled before the second network came: the first one still decides.
    assert matcher.compare(probe, template(MODEL)).evidence == pytest.approx(4.0, abs=1e-4)


def test_a_network_without_calibration_has_no_say() -> None:
    matcher = Matcher({MODEL: CALIBRATION})
    probe = [Embedding(CENTRE, UNCALIBRATED), Embedding(near(CENTRE, 0.6, 2), MODEL)]
    assert matcher.compare(probe, template(MODEL, UNCALIBRATED)).evidence == pytest.approx(4.0, abs=1e-4)


def test_nothing_in_common_is_an_error_not_a_low_score() -> None:
    matcher = Matcher({MODEL: CALIBRATION})
    probe = [Embedding(CENTRE, MODEL)]
    with pytest.raises(ModelMismatch):
        matcher.compare(probe, template(OTHER))
    with pytest.raises(ModelMismatch):
        matcher.compare_probes(probe, [Embedding(CENTRE, OTHER)])
    with pytest.raises(ModelMismatch):
        cosine(probe[0], Embedding(CENTRE, OTHER))


def test_matching_without_networks_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Matcher({})


@pytest.mark.parametrize("vector", [np.zeros(4), np.full(4, np.nan), np.ones(4), np.eye(2)])
def test_an_embedding_is_a_unit_vector(vector: np.ndarray) -> None:
    with pytest.raises(ValueError, match="unit vector"):
        Embedding(vector.astype(np.float32), MODEL)
