import json
from pathlib import Path
from typing import Any

import pytest

from facekey.core.errors import ModelError
from facekey.vision.liveness.parallax import MODEL
from facekey.zoo.fusion import read_fusion

GOOD: dict[str, Any] = {
    "parts": {"frames": {"above": 1.0, "below": 1.0, "absent": -0.3}},
    "bias": -0.1,
    "threshold": 0.5,
    "parallax": {"model": "parallax:1", "slope": 8.0, "intercept": -0.6},
    "born": {"data": "d", "protocol": "p", "comparisons": 3, "date": "2026-11-22", "commit": "abc"},
}


def written(folder: Path, values: object) -> Path:
    path = folder / "fusion.json"
    path.write_text(json.dumps(values))
    return path


def test_the_file_that_ships_weighs_frames_movement_and_parallax() -> None:
    file = read_fusion()
    assert set(file.fusion.weights) == {"frames", "temporal", "parallax"}
    assert file.parallax_model == MODEL
    assert file.fusion.born.comparisons > 100


def test_a_file_is_read(tmp_path: Path) -> None:
    file = read_fusion(written(tmp_path, GOOD))
    assert file.fusion.weights["frames"].absent == -0.3
    assert (file.fusion.threshold, file.parallax_slope) == (0.5, 8.0)


@pytest.mark.parametrize(
    "change",
    [
        {"parts": {}},
        {"parts": {"frames": {"above": -1.0, "below": 1.0, "absent": 0.0}}},
        {"parts": {"frames": {"above": 1.0, "below": 1.0, "absent": 0.5}}},
        {"parts": {"frames": {"above": 1.0}}},
        {"parts": []},
        {"bias": "much"},
        {"threshold": 1.5},
        {"born": {}},
        {"parallax": {"model": "parallax:1", "slope": 8.0}},
        {"parallax": {**GOOD["parallax"], "more": 1}},
        {"further": 1},
    ],
)
def test_a_file_with_something_wrong_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="fusion"):
        read_fusion(written(tmp_path, {**GOOD, **change}))


@pytest.mark.parametrize("values", [[], 3, {}])
def test_what_is_no_table_is_refused(tmp_path: Path, values: object) -> None:
    with pytest.raises(ModelError):
        read_fusion(written(tmp_path, values))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        read_fusion(tmp_path / "none.json")
