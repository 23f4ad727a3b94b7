"""Runs the tests beside this file where torch is, when this environment has none."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-training" / "bin" / "python"
TIME_LIMIT_S = 600


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="torch is here; they run themselves"
)
def test_training_tests_pass_where_torch_is() -> None:
    if not PYTHON.exists():
        pytest.skip("there is no training environment: run `make training-env` for the tests of training/")
    names = (
        "test_command",
        "test_embedder_networks",
        "test_face_fusion_training",
        "test_head_training",
        "test_minifasnet",
        "test_network",
        "test_pad",
        "test_record",
        "test_temporal_training",
        "test_torchrun",
    )
    files = [f"tests/unit/training/{name}.py" for name in names]
    run = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "skipped" not in run.stdout.splitlines()[-1], run.stdout[-2000:]
