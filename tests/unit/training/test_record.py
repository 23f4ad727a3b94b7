"""What a run leaves behind. Needs no torch."""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from training import parallel
from training.parallel import Place, first_alone, here, only_first, together
from training.record import FILE, manifest_of, recorded

OPTIONS = argparse.Namespace(seed=7, lr=0.1, data_root=Path("d"), hold_out=["a", "b"], teachers=None)


mlflows_own = pytest.mark.filterwarnings("ignore")
"""MLflow warns of how it uses its libraries."""


def read(folder: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads((folder / FILE).read_text())
    return values


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "live").mkdir(parents=True)
    (folder / "live/1.png").write_bytes(b"one")
    (folder / "live/2.png").write_bytes(b"two")
    return folder


@pytest.fixture(autouse=True)
def _no_tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)  # where MLflow keeps files unless it is told


def test_a_run_leaves_what_made_it(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "out"
    with recorded(out, "train_something", OPTIONS) as run:
        run.reads(data, None)
        run.figure("auc", 0.75)
        run.figures_of({"rates": {"apcer": 0.5, "ok": True, "name": "x"}, "odd": float("nan")})
        (out / "curves.png").parent.mkdir(exist_ok=True)
        (out / "curves.png").write_bytes(b"png")
        (out / "net.onnx").write_bytes(b"onnx")
        run.plot(out / "curves.png", out / "never-drawn.png")
        run.made(out / "net.onnx")
    record = read(out)
    assert record["script"] == "train_something"
    assert record["seed"] == 7
    assert record["ended"] == "well"
    assert record["configuration"] == {
        "seed": 7,
        "lr": 0.1,
        "data_root": "d",
        "hold_out": ["a", "b"],
        "teachers": None,
    }
    assert record["figures"] == {"auc": 0.75, "rates.apcer": 0.5, "odd": None}
    assert record["plots"] == ["curves.png"]
    assert record["outputs"] == [
        {"name": "net.onnx", "bytes": 4, "sha256": hashlib.sha256(b"onnx").hexdigest()}
    ]
    assert record["data"] == {
        "files": 2,
        "bytes": 6,
        "manifest_sha256": manifest_of([data]).sha256,
    }
    versions = record["versions"]
    assert isinstance(versions, dict)
    assert versions["numpy"]
    assert isinstance(record["commit"], str)


def test_a_run_that_fails_leaves_a_record_too(tmp_path: Path) -> None:
    def fails() -> None:
        with recorded(tmp_path, "train_something", OPTIONS) as run:
            run.reads(tmp_path / "absent")
            raise ValueError("no sets\nanywhere")

    with pytest.raises(ValueError, match="no sets"):
        fails()
    record = read(tmp_path)
    assert record["ended"] == "ValueError: no sets anywhere"
    assert "is not there" in str(record["data"])


def test_the_manifest_is_that_of_the_data_and_not_of_the_place(tmp_path: Path, data: Path) -> None:
    first = manifest_of([data])
    moved = tmp_path / "elsewhere" / "data"
    shutil.copytree(data, moved)
    assert manifest_of([moved]) == first
    (moved / "live/2.png").write_bytes(b"TWO")
    assert manifest_of([moved]).sha256 != first.sha256
    (moved / "live/2.png").write_bytes(b"two")
    (moved / "live/2.png").rename(moved / "live/3.png")
    assert manifest_of([moved]).sha256 != first.sha256
    # Two folders of one name are two.
    assert manifest_of([data, moved]).files == 4


@pytest.mark.parametrize(("rank", "part"), [(0, slice(0, 4)), (1, slice(4, 8))])
def test_a_batch_is_split(rank: int, part: slice) -> None:
    assert Place(rank, 2, rank).share(8) == part


def test_a_batch_that_cant_be_split_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match="32 can't be split evenly among 3"):
        Place(0, 3, 0).share(32)


def test_one_process_alone_waits_for_nobody() -> None:
    assert here() == Place(0, 1, 0)
    with together() as place, first_alone():
        assert place.first
    only_first("script")


def test_the_others_leave_small_work_to_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit) as ended:
        only_first("script")
    assert ended.value.code == 0
    with recorded(tmp_path, "script", OPTIONS):
        pass
    assert not (tmp_path / FILE).exists()
    monkeypatch.setenv("RANK", "0")
    assert parallel.here().first


@mlflows_own
def test_tracking_that_is_away_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/no/such/folder/m.db")
    with recorded(tmp_path, "script", OPTIONS):
        pass
    assert read(tmp_path)["ended"] == "well"


@mlflows_own
def test_mlflow_has_the_same(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip(
        "mlflow", reason="no MLflow here: pip install 'facekey[mlflow]' for this test"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "trial")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/m.db")
    with recorded(tmp_path / "out", "train_something", OPTIONS) as run:
        run.reads(data)
        run.figure("auc", 0.75)
    (found,) = mlflow.search_runs(experiment_names=["trial"], output_format="list")
    assert found.data.metrics == {"auc": 0.75}
    assert found.data.params["lr"] == "0.1"
    assert found.data.tags["data.manifest_sha256"] == manifest_of([data]).sha256
    assert found.data.tags["ended"] == "well"
    names = {item.path for item in mlflow.artifacts.list_artifacts(run_id=found.info.run_id)}
    assert names == {FILE}
