import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import Glimpse, ModelId
from facekey.vision.liveness.motion import FEATURES
from facekey.vision.liveness.temporal import TemporalLiveness
from facekey.zoo.onnx import OnnxSession
from tests.unit.vision.moving import glimpse, head


def network(logit: float, columns: int = len(FEATURES)) -> OnnxSession:
    value = numpy_helper.from_array(np.array([[logit]], np.float32))
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["logit"], value=value)],
        "constant",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, "T", columns])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, [1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return OnnxSession(model.SerializeToString(), model_id=ModelId("made:0"))


def shifting(frames: int) -> list[Glimpse]:
    return [glimpse(number / 10, points=head() + np.float32(number)) for number in range(frames)]


def test_the_logit_becomes_a_calibrated_probability() -> None:
    made = TemporalLiveness(network(2.0), slope=1.5, intercept=-1.0)
    assert made.score(shifting(30)) == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert made.model_id == "made:0"


def test_too_little_to_see_is_no_score() -> None:
    made = TemporalLiveness(network(2.0), slope=1.0, intercept=0.0)
    assert made.score([]) is None
    assert made.score(shifting(7)) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_not_finite_raises(bad: float) -> None:
    with pytest.raises(ModelOutputInvalid):
        TemporalLiveness(network(bad), slope=1.0, intercept=0.0).score(shifting(30))


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_a_calibration_that_is_none_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ModelError):
        TemporalLiveness(network(0.0), slope=slope, intercept=intercept)


def test_a_network_of_other_features_is_refused() -> None:
    with pytest.raises(ModelError):
        TemporalLiveness(network(0.0, columns=9), slope=1.0, intercept=0.0)
