import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("matplotlib", reason="no plots here: run `make training-env` for the training tests")

from tests.unit.training.faces import crop_set
from tests.unit.training.pretended import Anybody, MiddleFace, write
from training.data.crops import Networks
from training.evaluate import pad
from training.evaluate.attack_rates import Scored
from training.evaluate.baselines import HAIRYMAX, MINIFASNET, baselines
from training.rounds import Round, keep


def write_network(path: Path, *, side: int, classes: int, batch: int | str) -> None:
    """A network that takes what a published one takes; its last class is the brightest pictures'."""
    weights = np.zeros((3, classes), np.float32)
    weights[:, -1] = 1.0
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["input"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["mean", "w"], ["logits"]),
        ],
        "stand_in",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, classes])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def published(tmp_path: Path) -> Path:
    for name in MINIFASNET:
        write_network(tmp_path / "published" / name, side=80, classes=3, batch="N")
    write_network(tmp_path / "published" / HAIRYMAX, side=128, classes=2, batch=1)
    return tmp_path / "published"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two sets that were each held out, and live people."""
    folder = tmp_path / "run"
    for index, name in enumerate(("one", "two")):
        crops = crop_set(name, 12, index)
        for number, (pixels, live) in enumerate(zip(crops.pixels, crops.live, strict=True)):
            write(tmp_path / "data" / name / ("live" if live else "spoof") / f"{number}.png", pixels)
        (folder / f"without-{name}").mkdir(parents=True)
        logits = np.where(crops.live, 1.0, -1.0).astype(np.float32)
        logits[0] = -2.0  # a live picture taken for an attack
        held_out = (Scored(name, logits, crops.live),)
        keep(Round(f"without-{name}", held_out, (), ()), folder / f"without-{name}")
    people = (Scored("people", np.linspace(-1, 3, 8, dtype=np.float32), np.ones(8, bool)),)
    (folder / "all").mkdir()
    keep(Round("all", (), (), people), folder / "all")
    report = {"operating_point": {"threshold_logit": 0.0}}
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_what_the_published_ones_say(published: Path) -> None:
    minifasnet, hairymax = baselines(published)
    bright, dark = np.full((20, 20, 3), 200, np.uint8), np.zeros((20, 20, 3), np.uint8)
    # The stand-ins take bright for their last class, which is not the live one of either.
    assert minifasnet.score(bright) < minifasnet.score(dark)
    assert hairymax.score(bright) < hairymax.score(dark) == 0.0
    assert baselines(published.parent / "nothing") == []


def test_one_command_writes_the_report(
    run: Path, published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pad, "open_networks", lambda _dir: Networks(MiddleFace(), Anybody()))
    arguments = ["--run", run, "--data_root", tmp_path / "data", "--baselines", published]
    arguments += ["--output_dir", tmp_path / "out", "--cache_dir", tmp_path / "cache"]
    arguments += ["--live_count", 5, "--apart", "two"]
    pad.main([str(argument) for argument in arguments])

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [system["system"] for system in report] == [
        "FaceKey, held out",
        "MiniFASNet V2 + V1SE",
        "hairymax",
    ]
    ours = {row["set"]: row for row in report[0]["at_own_threshold"]}
    assert ours["one"]["bpcer"]["value"] == pytest.approx(1 / 6)
    assert ours["one"]["apcer"]["value"] == 0
    assert report[0]["live"][0]["bpcer"]["count"] == 5
    assert report[1]["at_own_threshold"][0]["apcer"]["count"] == 6
    text = (tmp_path / "out" / "report.md").read_text()
    assert "two (apart)" in text
    assert "Mean over 1 sets (two apart)" in text
    for name in ("curves-facekey-held-out.png", "curves-hairymax.png", "systems.png"):
        assert (tmp_path / "out" / name).stat().st_size > 1000


def test_a_set_that_was_not_held_out_is_no_evidence(run: Path) -> None:
    with pytest.raises(SystemExit, match="three"):
        pad.facekey(run, ["one", "two", "three"], 5, 1)
