import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.types import ModelId  # noqa: E402 - after the check for torch
from facekey.vision.liveness.motion import FEATURES  # noqa: E402
from facekey.zoo.cards import load_card  # noqa: E402
from facekey.zoo.onnx import OnnxSession  # noqa: E402
from tests.unit.training.test_sequences import recording  # noqa: E402
from training import temporal_card, train_temporal  # noqa: E402
from training.data.sequences import Window, windows  # noqa: E402
from training.data.split import folds  # noqa: E402
from training.export_temporal import build, export  # noqa: E402
from training.models.temporal_lstm import TemporalLstm  # noqa: E402
from training.train_temporal import RecipeChanged  # noqa: E402

torch.set_num_threads(1)  # two threads wait for each other where the machine is busy


@pytest.fixture
def network() -> TemporalLstm:
    torch.manual_seed(0)
    made = TemporalLstm(features=len(FEATURES), hidden=8)
    made.mean = torch.randn(len(FEATURES))
    made.scale = torch.rand(len(FEATURES)) + 0.5
    made.eval()
    return made


def test_padding_changes_nothing(network: TemporalLstm) -> None:
    rows = torch.randn(1, 12, len(FEATURES))
    padded = torch.cat([rows, torch.full((1, 9, len(FEATURES)), 7.0)], dim=1)
    with torch.inference_mode():
        alone, among = network(rows, torch.tensor([12])), network(padded, torch.tensor([12]))
    assert float(alone) == pytest.approx(float(among), abs=1e-6)


@pytest.mark.parametrize("frames", [1, 8, 61])
def test_the_exported_graph_says_what_torch_says(network: TemporalLstm, frames: int) -> None:
    rows = np.random.default_rng(frames).normal(0, 1, (1, frames, len(FEATURES))).astype(np.float32)
    with torch.inference_mode():
        wanted = float(network(torch.from_numpy(rows), torch.tensor([frames])))
    (found,) = OnnxSession(build(network), model_id=ModelId("made:0")).run(rows)
    assert float(found[0, 0]) == pytest.approx(wanted, abs=1e-5)


def test_exporting_measures_the_difference(network: TemporalLstm, tmp_path: Path) -> None:
    assert export(network, tmp_path / "one.onnx") < 1e-4


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    recordings = tmp_path / "recordings"
    for number, (source, live, name) in enumerate(
        [("one", True, "clip"), ("two", True, "clip"), ("one", False, "run00"), ("two", False, "run00")]
        + [(f"photo-{n}", n % 2 == 0, "drawn-quiet-0" if n % 2 == 0 else "drawn-bent-0") for n in range(8)]
    ):
        made = recording(30, live=live, name=name)
        object.__setattr__(made, "source", source)
        made.save(recordings / f"{number:02d}.npz")
    options = ["--recordings", recordings, "--output_dir", tmp_path / "out", "--epochs", 2, "--hidden", 4]
    options += ["--epoch_windows", 32, "--batch_size", 8, "--windows_each", 2]
    return [str(option) for option in [*options, "--hold_out", "one", "--hold_out", "two"]]


def test_the_documented_command_trains_reports_exports_and_ships(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_temporal.main(arguments)
    out = tmp_path / "out"
    report = json.loads((out / "report.json").read_text())
    assert report["calibration"]["a"] > 0
    assert {row["kind"] for row in report["kinds"]} >= {"filmed person, one", "drawn person"}
    assert (out / "curves.png").stat().st_size > 1000
    session = OnnxSession((out / "liveness_temporal.onnx").read_bytes(), model_id=ModelId("trained"))
    session.require(inputs=[(None, len(FEATURES))], outputs=[(1,)])

    before = (out / "liveness_temporal.onnx").read_bytes()
    train_temporal.main([*arguments, "--resume"])
    assert (out / "liveness_temporal.onnx").read_bytes() == before
    with pytest.raises(RecipeChanged):
        train_temporal.main([*arguments, "--resume", "--epochs", "3"])

    cards = tmp_path / "cards"
    ship = ["card", "--run", str(out), "--data", "made up", "--cards_dir", str(cards)]
    monkeypatch.setattr("sys.argv", ship)
    temporal_card.main()
    use = load_card(cards / "liveness_temporal.toml").sequence
    assert use is not None
    assert use.slope == pytest.approx(report["calibration"]["a"], abs=1e-6)


def test_each_photo_is_judged_once_and_sets_with_their_fold() -> None:
    cut = [window for window in _windows() if window.source.startswith("photo-")]
    rounds = folds(["one", "two"], hold_out=[["one"], ["two"]], leave_one_out=False)
    for window in cut:
        leaves = [train_temporal._leaves(window, fold, n, 2) for n, fold in enumerate(rounds)]
        assert sum(leaves) == 1


def _windows() -> list[Window]:
    made = []
    for number in range(6):
        one = recording(30)
        object.__setattr__(one, "source", f"photo-{number}")
        made.append(one)
    return windows(made, of_each=1, seed=1)
