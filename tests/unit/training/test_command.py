import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.types import ModelId
from facekey.zoo.onnx import OnnxSession
from tests.unit.training.pretended import Anybody, MiddleFace, write_sets
from training import material, train_liveness
from training.data.crops import CROP_PX, Networks


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_sets(tmp_path)
    return tmp_path


def test_the_documented_command_trains_reports_and_exports(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "open_networks", lambda _dir: Networks(MiddleFace(), Anybody()))
    output = data / "out"
    arguments = ["--data_root", data / "pad", "--output_dir", output, "--cache_dir", data / "cache"]
    arguments += ["--batch_size", 8, "--epochs", 2, "--lr", 0.001, "--width", 8, "--epoch_samples", 32]
    arguments += ["--workers", 0, "--threads", 1, "--no-bfloat16", "--foundation_epochs", 1]
    arguments += ["--leave_one_out", "--extra_live", data / "people"]
    train_liveness.main([str(argument) for argument in arguments])

    report = json.loads((output / "report.json").read_text())
    assert report["rounds"] == {"without-one": ["one"], "without-two": ["two"]}
    assert {row["set"] for row in report["held_out"]} == {"one", "two"}
    assert 0 < report["operating_point"]["threshold"] < 1
    assert (output / "curves.png").stat().st_size > 1000
    session = OnnxSession((output / "liveness_resnet18.onnx").read_bytes(), model_id=ModelId("trained"))
    session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(1,)])

    before = (output / "liveness_resnet18.onnx").read_bytes()
    train_liveness.main([str(argument) for argument in [*arguments, "--resume"]])
    assert (output / "liveness_resnet18.onnx").read_bytes() == before
