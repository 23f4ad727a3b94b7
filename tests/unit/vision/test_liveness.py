import math

import numpy as np
import pytest

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import Crop
from facekey.vision.liveness.cnn import LivenessCnn
from facekey.zoo.onnx import OnnxSession
from tests.unit.vision.faces import constant_network


def network(*logits: float, side: int | str = 32) -> OnnxSession:
    value = np.array(logits, np.float32)[:, None]
    return constant_network(("N", side, side, 3), {"logit": (("N", 1), value)})


def crops(count: int) -> list[Crop]:
    return [Crop(np.zeros((32, 32, 3), np.uint8), "context", np.eye(2, 3, dtype=np.float32))] * count


def test_logits_become_calibrated_probabilities() -> None:
    made = LivenessCnn(network(0.0, 2.0, -1e6, 1e6), slope=1.5, intercept=-1.0)
    assert made.crop_px == 32
    assert made.score(crops(4)) == pytest.approx(
        [1 / (1 + math.exp(1)), 1 / (1 + math.exp(-2)), 0.0, 1.0], abs=1e-9
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_not_finite_raises(bad: float) -> None:
    with pytest.raises(ModelOutputInvalid):
        LivenessCnn(network(0.0, bad), slope=1, intercept=0).score(crops(2))


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_a_calibration_that_is_none_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ModelError):
        LivenessCnn(network(0.0), slope=slope, intercept=intercept)


def test_a_network_without_one_size_is_refused() -> None:
    with pytest.raises(ModelError):
        LivenessCnn(network(0.0, side="S"), slope=1, intercept=0)
