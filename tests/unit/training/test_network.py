from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.types import ModelId  # noqa: E402 - after the check for torch
from facekey.zoo.onnx import OnnxSession  # noqa: E402
from tests.unit.training.faces import all_cells, crop_set  # noqa: E402
from training.data.crops import CROP_PX  # noqa: E402
from training.export import build, export  # noqa: E402
from training.fit import Recipe, RecipeChanged, fit, logits  # noqa: E402
from training.models.resnet18 import ResNet18  # noqa: E402

torch.set_num_threads(1)  # two threads wait for each other where the machine is busy

RECIPE = Recipe(epochs=2, batch_size=8, lr=1e-3, seed=3, width=8, epoch_samples=48, bfloat16=False)


def quiet(_line: str) -> None:
    pass


class BrokenOff(RuntimeError):
    pass


def run(folder: Path, *, resume: bool = False, stop_after: int | None = None) -> ResNet18:
    def say(_line: str) -> None:
        pass

    def track(batches, number, _count):  # type: ignore[no-untyped-def]
        if number == stop_after:
            raise BrokenOff
        return batches

    return fit(all_cells(crop_set("s", 24, 1)), RECIPE, folder, resume=resume, track=track, say=say)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "broken").mkdir()
    whole = run(tmp_path / "whole")
    with pytest.raises(BrokenOff):
        run(tmp_path / "broken", stop_after=1)
    resumed = run(tmp_path / "broken", resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_another_recipe_does_not_go_on(tmp_path: Path) -> None:
    run(tmp_path)
    other = Recipe(epochs=3, batch_size=8, lr=1e-3, seed=3, width=8, epoch_samples=48, bfloat16=False)
    with pytest.raises(RecipeChanged):
        fit(all_cells(crop_set("s", 24, 1)), other, tmp_path, resume=True, say=quiet)


@pytest.fixture
def network() -> ResNet18:
    """Norms as after training: neither zero nor one."""
    torch.manual_seed(0)
    network = ResNet18(width=8)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    network.eval()
    return network


@pytest.mark.parametrize("count", [1, 5])
def test_the_exported_graph_says_what_torch_says(network: ResNet18, count: int) -> None:
    pixels = np.random.default_rng(count).integers(0, 256, (count, CROP_PX, CROP_PX, 3), dtype=np.uint8)
    session = OnnxSession(build(network, half=False), model_id=ModelId("test"))
    session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(1,)])
    (found,) = session.run(pixels)
    assert found.shape == (count, 1)
    np.testing.assert_allclose(found[:, 0], logits(network, pixels), atol=1e-4)


def test_float16_weights_halve_the_file(network: ResNet18, tmp_path: Path) -> None:
    whole = export(network, tmp_path / "whole.onnx", half=False)
    half = export(network, tmp_path / "half.onnx")
    assert whole.max_error < 1e-4
    assert half.max_error < 0.05
    assert half.size_bytes < 0.6 * whole.size_bytes


def test_the_network_learns_what_is_plain_to_see(tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch_size=16, lr=3e-3, seed=1, width=8, epoch_samples=192, bfloat16=False)
    trained = fit(all_cells(crop_set("s", 64, 1)), recipe, tmp_path, resume=False, say=quiet)
    unseen = crop_set("t", 40, 9)
    answers = logits(trained, unseen.middle())
    assert answers[unseen.live].mean() > answers[~unseen.live].mean()
