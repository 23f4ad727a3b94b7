import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.types import ModelId  # noqa: E402 - after the check for torch
from facekey.zoo.onnx import OnnxSession  # noqa: E402
from tests.unit.training.faces import crop_set  # noqa: E402
from tests.unit.training.pretended import Anybody, MiddleFace, write_sets  # noqa: E402
from training import combine_liveness, material, teachers, train_minifasnet  # noqa: E402
from training.data.crops import CROP_PX, Networks  # noqa: E402
from training.export_minifasnet import FEATURES, build  # noqa: E402
from training.left_out import CALIBRATION  # noqa: E402
from training.models.minifasnet import SIDE_PX, Decision, MiniFasNets, Trunk, area_matrix  # noqa: E402
from training.models.resnet18 import to_input  # noqa: E402
from training.rounds import load  # noqa: E402
from training.teachers import Known  # noqa: E402


def small_trunk(seed: int) -> bytes:
    """All that a MiniFASNet is made of, once: (N, 3, 80, 80) -> 4 numbers -> 3 logits."""
    rng = np.random.default_rng(seed)

    def numbers(name: str, *shape: int, low: float = -0.5, high: float = 0.5) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.uniform(low, high, shape).astype(np.float32), name)

    nodes = [
        helper.make_node(
            "Conv", ["input", "w"], ["t1"], kernel_shape=[5, 5], pads=[2, 2, 2, 2], strides=[8, 8], group=1
        ),
        helper.make_node("BatchNormalization", ["t1", "g", "b", "m", "v"], ["t2"], epsilon=1e-5),
        helper.make_node("PRelu", ["t2", "slope"], ["t3"]),
        helper.make_node("GlobalAveragePool", ["t3"], ["t4"]),
        helper.make_node("Sigmoid", ["t4"], ["t5"]),
        helper.make_node("Mul", ["t3", "t5"], ["t6"]),
        helper.make_node("Add", ["t6", "t3"], ["t7"]),
        helper.make_node("Relu", ["t7"], ["t8"]),
        helper.make_node("Flatten", ["t8"], ["t9"]),
        helper.make_node("Gemm", ["t9", "down"], ["inner"], transB=1),
        helper.make_node("Gemm", ["inner", "prob"], ["logits"], transB=1),
    ]
    constants = [
        numbers("w", 4, 3, 5, 5, low=-0.01, high=0.01),
        numbers("g", 4, low=0.5, high=1.5),
        numbers("b", 4),
        numbers("m", 4),
        numbers("v", 4, low=0.5, high=1.5),
        numbers("slope", 4, 1, 1, low=0.1, high=0.3),
        numbers("down", 4, 400, low=-0.1, high=0.1),
        numbers("prob", 3, 4),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, SIDE_PX, SIDE_PX])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small stand-ins for both published networks."""
    known = {}
    (tmp_path / "published").mkdir()
    for seed, name in enumerate(train_minifasnet.TRUNKS):
        data = small_trunk(seed)
        (tmp_path / "published" / f"{seed}.onnx").write_bytes(data)
        known[hashlib.sha256(data).hexdigest()] = Known(name, "BGR", 1.0)
    monkeypatch.setattr(teachers, "KNOWN", known)
    return tmp_path / "published"


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, CROP_PX, CROP_PX, 3), dtype=np.uint8)


def test_areas_are_averaged_as_opencv_does() -> None:
    picture = pictures(1)[0].astype(np.float32)
    matrix = area_matrix(CROP_PX, SIDE_PX)
    ours = np.einsum("ih,hwc,jw->ijc", matrix, picture, matrix)
    theirs = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_trunk_in_torch_says_what_the_published_file_says() -> None:
    data = small_trunk(3)
    model = onnx.load_from_string(data)
    model.graph.output.append(helper.make_tensor_value_info("inner", TensorProto.FLOAT, None))
    session = OnnxSession(model.SerializeToString(), model_id=ModelId("published"))
    given = np.random.default_rng(2).uniform(0, 255, (3, 3, SIDE_PX, SIDE_PX)).astype(np.float32)
    with torch.inference_mode():
        found = Trunk(data)(torch.from_numpy(given)).numpy()
    np.testing.assert_allclose(found, session.run(given)[1], atol=1e-4)


def test_the_statistics_of_a_trunk_are_not_trained() -> None:
    trunk = Trunk(small_trunk(3))
    assert len(list(trunk.parameters())) == 5  # w, g, b, slope, down; not m and v, and not prob
    assert len(list(trunk.buffers())) == 2


@pytest.mark.parametrize("half", [False, True])
def test_the_graph_that_ships_says_what_torch_says(half: bool) -> None:
    network = MiniFasNets([small_trunk(1), small_trunk(2)], crop_px=CROP_PX).eval()
    session = OnnxSession(build(network, half=half, features=True), model_id=ModelId("test"))
    pixels = pictures(3)
    with torch.inference_mode():
        wanted = network(to_input(torch.from_numpy(pixels))).numpy()
        seen = network.describe(to_input(torch.from_numpy(pixels))).numpy()
    found = session.run(pixels)
    np.testing.assert_allclose(found[FEATURES], seen, atol=0.05 if half else 1e-3)
    np.testing.assert_allclose(found[0][:, 0], wanted, atol=0.05 if half else 1e-3)


def test_the_last_layer_learns_what_is_plain_to_see() -> None:
    rng = np.random.default_rng(0)
    live = np.arange(200) % 4 == 0
    seen = rng.normal(0, 1, (200, 6)).astype(np.float32) + 3 * live[:, None].astype(np.float32)
    decision = Decision.fit(seen, live, np.full(200, 1 / 200), ridge=1e-3)
    with torch.inference_mode():
        logits = decision(torch.from_numpy(seen)).numpy()
    assert logits[live].min() > logits[~live].max()


def test_two_networks_are_put_together(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sets(tmp_path)
    monkeypatch.setattr(material, "open_networks", lambda _dir: Networks(MiddleFace(), Anybody()))
    arguments = ["--data_root", tmp_path / "pad", "--cache_dir", tmp_path / "cache", "--published", published]
    arguments += ["--extra_live", tmp_path / "people", "--leave_one_out", "--workers", 0, "--threads", 1]
    arguments += ["--steps", 3]
    for number in (1, 2):
        given = [*arguments, "--output_dir", tmp_path / f"run{number}", "--lr", 10.0**-number]
        train_minifasnet.main([str(argument) for argument in given])
    # The second begins from the first one's trunks where it is told to go on.
    given = [*arguments, "--output_dir", tmp_path / "run2", "--lr", 0.01, "--resume"]
    before = (tmp_path / "run2" / "liveness_minifasnet.onnx").read_bytes()
    train_minifasnet.main([str(argument) for argument in given])
    assert (tmp_path / "run2" / "liveness_minifasnet.onnx").read_bytes() == before

    other = tmp_path / "run1" / "liveness_minifasnet.onnx"
    for path in sorted((tmp_path / "run1").rglob("liveness_minifasnet.onnx")):
        path.rename(path.with_name("another.onnx"))
    assert not other.exists()
    pair = ["--run", tmp_path / "run1", "--run", tmp_path / "run2", "--output_dir", tmp_path / "pair"]
    combine_liveness.main([str(argument) for argument in pair])
    calibration = json.loads((tmp_path / "pair" / CALIBRATION).read_text())
    assert set(calibration) == {"another", "liveness_minifasnet"}
    rounds, last = load(tmp_path / "pair")
    assert last is not None
    assert [one.name for one in rounds] == ["without-one", "without-two"]
    assert (tmp_path / "pair" / "without-one" / "another.onnx").is_file()

    # What the product will compute from the shipped files is what the rounds say.
    crops = crop_set("one", 16, seed=0)
    first, second = load(tmp_path / "run1")[0][0], load(tmp_path / "run2")[0][0]
    odds = [
        calibration[name]["slope"] * one.held_out[0].logits + calibration[name]["intercept"]
        for name, one in (("another", first), ("liveness_minifasnet", second))
    ]
    assert len(odds[0]) == len(crops.live)
    np.testing.assert_allclose(np.mean(odds, axis=0), rounds[0].held_out[0].logits, atol=1e-4)


def test_runs_that_held_out_different_sets_can_not_be_put_together(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no finished run"):
        combine_liveness.read(tmp_path)
