import hashlib
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from facekey.core.errors import ModelError
from tests.unit.training.faces import crop_set
from training import teachers
from training.data.bank import FEWEST, MOST, look
from training.data.crops import CROP_PX, CropSet
from training.teachers import Known, Teachers


def brightness_teacher() -> bytes:
    """Two logits from the mean of each channel: (1, 3, 16, 16) -> (1, 3) -> (1, 2)."""
    weights = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["inner"]),
            helper.make_node("MatMul", ["inner", "w"], ["logits"]),
        ],
        "teacher",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = brightness_teacher()
    folder = tmp_path / "teachers"
    folder.mkdir()
    (folder / "one.onnx").write_bytes(data)
    (folder / "unknown.onnx").write_bytes(data + b"\x00")
    known = {hashlib.sha256(data).hexdigest(): Known("brightness", "BGR", 1.0)}
    monkeypatch.setattr(teachers, "KNOWN", known)
    return folder


def test_a_teacher_gives_logits_and_what_it_makes_them_from(school: Path) -> None:
    teacher = Teachers(school)
    assert teacher.names == ("brightness",)
    picture = np.zeros((2, 32, 32, 3), np.uint8)
    picture[0] = (10, 20, 30)
    answers = teacher.answers(picture)
    assert answers[0].tolist() == pytest.approx([30, 20, 30, 20, 10])  # blue first
    assert not answers[1].any()


def test_a_folder_without_known_teachers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="teacher"):
        Teachers(tmp_path)


def test_forms_are_made_once_and_are_the_same_every_time(tmp_path: Path) -> None:
    crops = crop_set("s", 6, 1)
    first = look(crops, attacked=0.5, seed=3, teachers=None, cache_dir=tmp_path, workers=0)
    (pixels,) = tmp_path.glob("*.npy")
    before = pixels.stat().st_mtime_ns
    again = look(crops, attacked=0.5, seed=3, teachers=None, cache_dir=tmp_path, workers=0)
    other = look(crops, attacked=0.5, seed=3, teachers=None, cache_dir=tmp_path / "other", workers=2)
    assert pixels.stat().st_mtime_ns == before
    assert first.pixels.shape == (6 * MOST, CROP_PX, CROP_PX, 3)
    assert np.array_equal(first.pixels, other.pixels)
    assert np.array_equal(again.live, other.live)
    assert not first.live[~crops.live[first.picture]].any()
    assert 0.2 < first.live[crops.live[first.picture]].mean() < 0.8
    assert first.answers.shape == (6 * MOST, 0)


def test_large_sets_are_shown_in_fewer_forms(tmp_path: Path) -> None:
    few = crop_set("s", 4, 1)
    many = CropSet(
        "many",
        np.repeat(few.pixels, 500, axis=0),
        np.repeat(few.live, 500),
        np.repeat(few.paths, 500),
        np.repeat(few.identity, 500, axis=0),
        0,
    )
    looks = look(many, attacked=0.0, seed=1, teachers=None, cache_dir=tmp_path, workers=0)
    assert len(looks.live) == FEWEST * 2000
    assert looks.only(np.arange(2000) == 7).tolist() == [14, 15]
