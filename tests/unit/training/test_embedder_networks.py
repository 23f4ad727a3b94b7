from collections import OrderedDict
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.types import ModelId  # noqa: E402 - after the check for torch
from facekey.zoo.onnx import OnnxSession  # noqa: E402
from training import export_embedder  # noqa: E402
from training.export_embedder import (  # noqa: E402
    ARCHITECTURES,
    Architecture,
    CheckpointRefused,
    ExportDiffers,
    compare,
    export,
    iresnet_graph,
    load,
)
from training.models.inception_resnet_v1 import InceptionResnetV1  # noqa: E402
from training.models.iresnet import BLOCKS, IResNet  # noqa: E402

Net = TypeVar("Net", IResNet, InceptionResnetV1)

torch.set_num_threads(1)  # two threads wait for each other where the machine is busy


def make_small() -> IResNet:
    return IResNet((1, 2, 1, 1))


SMALL = Architecture(make_small, iresnet_graph, 112, mean=127.5, scale=127.5)


def trained(network: Net, seed: int = 3) -> Net:
    """Norms and slopes as after training: neither zero nor one."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
            torch.nn.init.normal_(module.running_mean, 0, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, torch.nn.PReLU):
            torch.nn.init.uniform_(module.weight, 0.0, 0.4)
    network.eval()
    return network


@pytest.fixture(scope="module")
def small() -> IResNet:
    return trained(make_small())


def test_the_names_are_those_of_the_published_checkpoints() -> None:
    names = set(IResNet(BLOCKS["iresnet50"]).state_dict())
    assert {
        "conv1.weight",
        "bn1.running_mean",
        "prelu.weight",
        "layer1.0.bn1.weight",
        "layer1.0.conv1.weight",
        "layer1.0.prelu.weight",
        "layer1.0.bn3.bias",
        "layer1.0.downsample.0.weight",
        "layer1.0.downsample.1.running_var",
        "layer3.13.conv2.weight",
        "layer4.2.bn2.num_batches_tracked",
        "bn2.weight",
        "fc.weight",
        "fc.bias",
        "features.running_var",
    } <= names
    assert not any(name.startswith("layer1.1.downsample") for name in names)


@pytest.mark.parametrize(("name", "blocks", "millions"), [("iresnet50", 24, 43.6), ("iresnet100", 49, 65.2)])
def test_the_networks_have_the_published_size(name: str, blocks: int, millions: float) -> None:
    with torch.device("meta"):  # shapes only
        network = IResNet(BLOCKS[name])
    assert sum(len(stage) for stage in network.stages()) == blocks
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(millions * 1e6, rel=2e-3)


def test_a_small_iresnet_says_the_same_in_both(small: IResNet, tmp_path: Path) -> None:
    done = export(small, SMALL, tmp_path / "small.onnx")
    assert done.difference < 1e-5
    session = OnnxSession((tmp_path / "small.onnx").read_bytes(), model_id=ModelId("small"))
    session.require(inputs=[(3, 112, 112)], outputs=[(512,)])
    # Every picture by itself: the answer doesn't depend on what else is in the batch.
    batch = np.random.default_rng(4).normal(size=(3, 3, 112, 112)).astype(np.float32)
    (together,) = session.run(batch)
    (alone,) = session.run(batch[1:2])
    np.testing.assert_allclose(together[1], alone[0], atol=1e-4)


def test_inception_resnet_agrees_with_the_products_own_graph() -> None:
    network = trained(InceptionResnetV1())
    architecture = ARCHITECTURES["inception_resnet_v1"]
    assert compare(network, architecture.graph(network).SerializeToString(), architecture) < 1e-5


def test_what_differs_is_not_written(small: IResNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Architecture(
        SMALL.make, lambda _: iresnet_graph(trained(make_small(), seed=9)), 112, 127.5, 127.5
    )
    with pytest.raises(ExportDiffers, match="nothing was written"):
        export(small, other, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrap", ["plain", "state_dict_backbone", "module"])
def test_checkpoints_are_read_however_they_are_wrapped(small: IResNet, tmp_path: Path, wrap: str) -> None:
    state = small.state_dict()
    stored: object = state
    if wrap == "state_dict_backbone":
        stored = {"epoch": 3, "global_step": 9, "state_dict_backbone": state}
    elif wrap == "module":
        stored = OrderedDict((f"module.{name}", value) for name, value in state.items())
    torch.save(stored, tmp_path / "c.pt")
    fresh = make_small()
    load(fresh, tmp_path / "c.pt")
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_checkpoint_of_another_network_is_refused_by_name(small: IResNet, tmp_path: Path) -> None:
    state = dict(small.state_dict())
    del state["layer2.1.conv1.weight"]
    state["layer9.0.conv1.weight"] = torch.zeros(1)
    state["fc.bias"] = torch.zeros(7)
    torch.save(state, tmp_path / "c.pt")
    fresh = make_small()
    before = fresh.conv1.weight.clone()
    with pytest.raises(CheckpointRefused) as refused:
        load(fresh, tmp_path / "c.pt")
    for part in (
        "lacks layer2.1.conv1.weight",
        "beyond the network layer9.0.conv1.weight",
        "(7,) instead of (512,)",
    ):
        assert part in str(refused.value)
    assert torch.equal(before, fresh.conv1.weight)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04half a zip"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(CheckpointRefused, match="can't be read"):
        load(SMALL.make(), tmp_path / "c.pt")


@pytest.mark.parametrize("stored", [[1, 2], {"a": 1}, torch.zeros(3)])
def test_a_file_without_names_is_refused(tmp_path: Path, stored: object) -> None:
    torch.save(stored, tmp_path / "c.pt")
    with pytest.raises(CheckpointRefused, match="holds no weights"):
        load(SMALL.make(), tmp_path / "c.pt")


def test_weights_that_are_no_numbers_are_refused(small: IResNet, tmp_path: Path) -> None:
    state = {name: value.clone() for name, value in small.state_dict().items()}
    state["layer3.0.bn2.bias"][5] = float("nan")
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(CheckpointRefused, match=r"not finite: layer3\.0\.bn2\.bias"):
        load(SMALL.make(), tmp_path / "c.pt")


def test_the_documented_command(
    small: IResNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch.save(small.state_dict(), tmp_path / "backbone.pth")
    monkeypatch.setitem(export_embedder.ARCHITECTURES, "iresnet100", SMALL)
    arguments = ["--network", "iresnet100", "--checkpoint", str(tmp_path / "backbone.pth")]
    export_embedder.main([*arguments, "--output", str(tmp_path / "out.onnx")])
    assert "differ by" in capsys.readouterr().err
    assert (tmp_path / "out.onnx").stat().st_size > 1_000_000
    arguments[1] = "iresnet50"
    with pytest.raises(SystemExit, match="is not of this network: it lacks"):
        export_embedder.main([*arguments, "--output", str(tmp_path / "other.onnx")])
    assert not (tmp_path / "other.onnx").exists()
