import math

import numpy as np
import pytest

from facekey.core.types import (
    Box,
    Embedding,
    Frame,
    Liveness,
    References,
    Region,
    SubjectId,
    Template,
)
from tests.unit.core.made import DIMENSIONS, MODEL, direction, evidence


def test_sizes_are_height_and_width() -> None:
    assert Frame(np.zeros((3, 5, 3), np.uint8)).size == (3, 5)
    box = Box(1.0, 2.0, 4.0, 6.0)
    assert (box.width, box.height, box.area) == (3.0, 4.0, 12.0)
    assert Box(4.0, 2.0, 1.0, 6.0).area == 0.0, "an inside-out box has no area"


@pytest.mark.parametrize(
    ("box", "region"),
    [
        (Box(10.0, 20.0, 50.0, 40.0), Region(0.1, 0.4, 0.5, 0.8)),
        (Box(-5.0, -1.0, 101.0, 60.0), Region(0.0, 0.0, 1.0, 1.0)),
    ],
)
def test_a_region_is_what_lies_in_the_frame(box: Box, region: Region) -> None:
    assert box.within((50, 100)) == region


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.01, 1.01, 7.3])
def test_a_liveness_score_is_a_probability(score: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Liveness(score, {})


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(DIMENSIONS, np.float32),
        np.full(DIMENSIONS, np.nan, np.float32),
        np.full(DIMENSIONS, np.inf, np.float32),
        2.0 * direction(1),
        direction(1)[np.newaxis],
    ],
    ids=["zero", "nan", "inf", "norm 2", "matrix"],
)
def test_what_is_no_direction_is_no_embedding(vector: np.ndarray) -> None:
    with pytest.raises(ValueError, match="unit vector"):
        Embedding(vector, MODEL)


def test_faces_stay_out_of_what_is_printed() -> None:
    seen = evidence(direction(1))
    references = References(MODEL, direction(1)[np.newaxis])
    shown = repr(
        (seen, references, Template(SubjectId("a"), (references,)), Frame(np.ones((2, 2, 3), np.uint8)))
    )
    for trace in ("array(", "thumbprint", "pixels", "vector"):
        assert trace not in shown
