import json
import math
from pathlib import Path

import numpy as np
import pytest

from facekey.core.head import CLIP, Head, HeadInput

VECTOR = json.loads((Path(__file__).parents[3] / "models/weights/head_documented.json").read_text())


def documented_head() -> Head:
    weights = tuple(np.array(layer, dtype=np.float32) for layer in VECTOR["weights"])
    biases = tuple(np.array(layer, dtype=np.float32) for layer in VECTOR["biases"])
    assert len(weights) == len(biases) == 3
    return Head((weights[0], weights[1], weights[2]), (biases[0], biases[1], biases[2]))


def test_documented_trace() -> None:
    trace = documented_head().trace(HeadInput(**VECTOR["input"]))
    expected = VECTOR["trace"]
    for name in ("z1", "a1", "z2", "a2"):
        np.testing.assert_allclose(getattr(trace, name), expected[name], atol=1e-6)
    assert trace.z3 == pytest.approx(expected["z3"], abs=1e-6)
    assert trace.probability == pytest.approx(expected["probability"], abs=5e-5)


def test_inputs_stand_at_zero_on_the_line_and_are_bounded() -> None:
    on_the_line = HeadInput.of(
        match_evidence=4.0, match_threshold=4.0, liveness=0.5, liveness_threshold=0.5, quality=0.5
    )
    assert on_the_line == HeadInput(0.0, 0.0, 0.0)
    certain = HeadInput.of(
        match_evidence=99.0, match_threshold=4.0, liveness=1.0, liveness_threshold=0.5, quality=1.0
    )
    assert certain == HeadInput(CLIP, CLIP, 2.0)
    hopeless = HeadInput.of(
        match_evidence=-99.0, match_threshold=4.0, liveness=0.0, liveness_threshold=0.5, quality=0.0
    )
    assert hopeless == HeadInput(-CLIP, -CLIP, -2.0)


def test_unknown_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        documented_head().probability(HeadInput(math.nan, 0.0, 0.0))


@pytest.mark.parametrize("name", ["match_evidence", "match_threshold", "liveness", "quality"])
def test_unknown_evidence_is_not_clipped_into_known(name: str) -> None:
    known = {"match_evidence": 4.0, "match_threshold": 4.0, "liveness": 0.5, "quality": 0.5}
    with pytest.raises(ValueError, match="finite"):
        HeadInput.of(liveness_threshold=0.5, **{**known, name: math.nan})


def test_a_hopeless_attempt_has_probability_zero_not_an_overflow() -> None:
    head = documented_head()
    sure = Head(head.weights, (head.biases[0], head.biases[1], np.array([-5000.0], np.float32)))
    assert sure.probability(HeadInput(0.0, 0.0, 0.0)) == 0.0


def test_weights_of_another_network_are_refused() -> None:
    head = documented_head()
    with pytest.raises(ValueError, match="4 x 3"):
        Head((head.weights[1], head.weights[0], head.weights[2]), head.biases)
    broken = head.weights[2].copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        Head((head.weights[0], head.weights[1], broken), head.biases)
