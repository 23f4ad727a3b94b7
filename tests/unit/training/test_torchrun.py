import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.types import ModelId  # noqa: E402 - after the check for torch
from facekey.zoo.onnx import OnnxSession  # noqa: E402
from tests.unit.training.pretended import write_sets  # noqa: E402
from training.data.crops import CROP_PX  # noqa: E402
from training.fit import CHECKPOINT  # noqa: E402

ROOT = Path(__file__).parents[3]


def arguments(data: Path, *more: str) -> list[str]:
    given = ["--data_root", data / "pad", "--output_dir", data / "out", "--cache_dir", data / "cache"]
    given += ["--batch_size", 8, "--epochs", 1, "--lr", 0.001, "--width", 8, "--epoch_samples", 16]
    given += ["--workers", 0, "--threads", 1, "--no-bfloat16", "--extra_live", data / "people"]
    given += ["--hold_out", "one"]
    return [*(str(argument) for argument in given), *more]


def torchrun(count: int, given: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={count}"]
    return subprocess.run(
        [*command, "-m", "tests.unit.training.torchrun_liveness", *given],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_two_processes_train_one_network_and_leave_one_report(tmp_path: Path) -> None:
    write_sets(tmp_path)
    run = torchrun(2, arguments(tmp_path))
    assert run.returncode == 0, run.stderr[-3000:]
    out = tmp_path / "out"
    report = json.loads((out / "report.json").read_text())
    assert report["rounds"] == {"without-one": ["one"]}
    assert {row["set"] for row in report["held_out"]} == {"one"}
    record = json.loads((out / "run.json").read_text())
    assert record["processes"] == 2
    assert record["ended"] == "well"
    assert [made["name"] for made in record["outputs"]] == ["liveness_resnet18.onnx"]
    session = OnnxSession((out / "liveness_resnet18.onnx").read_bytes(), model_id=ModelId("trained"))
    session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(1,)])
    # Each process's random numbers are kept: a run that goes on drops out what it would have.
    stored = torch.load(out / "all" / CHECKPOINT, weights_only=True)
    assert len(stored["rng"]) == 2
    assert not torch.equal(stored["rng"][0], stored["rng"][1])
    # Only the first one spoke.
    assert run.stderr.count("one: 8 live, 8 spoof") == 1
