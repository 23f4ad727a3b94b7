"""Networks written out here against facenet-pytorch's own modules, run by torch elsewhere.

Torch is never installed beside FaceKey; `make training-env` makes the environment that
has it. Without that environment these tests are skipped and say so.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facekey.core.types import ModelId
from facekey.zoo.cards import PipSource
from facekey.zoo.convert.networks.inception_resnet_v1 import build_inception_resnet_v1
from facekey.zoo.convert.preprocess import fold_preprocessing
from facekey.zoo.convert.state import StateDict
from facekey.zoo.convert.torch_pickle import read_state_dict
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.sources.archive import read_member
from facekey.zoo.sources.registry import Registries
from facekey.zoo.zoo import Zoo

ROOT = Path(__file__).parents[2]
TRAINING_PYTHON = ROOT / ".venv-training/bin/python"
SCRIPT = Path(__file__).with_name("facenet_pytorch_reference.py")

Reference = tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.float32]], Path]


@pytest.fixture(scope="session")
def reference(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """Pictures, what the original modules make of them, and the folder with their weights."""
    probe = [str(TRAINING_PYTHON), "-c", "import torch"]
    if not TRAINING_PYTHON.exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no torch in .venv-training; `make training-env` makes it")
    folder = tmp_path_factory.mktemp("reference")
    source = zoo.card("mtcnn_pnet").sources[0]
    assert isinstance(source, PipSource)
    workspace = tmp_path_factory.mktemp("archives")
    archive = Registries(workspace).archive(source)
    for module in ("mtcnn.py", "inception_resnet_v1.py"):
        content = read_member(archive, f"facenet_pytorch/models/{module}", max_bytes=100_000)
        (folder / module).write_bytes(content)
    for network in ("pnet", "rnet", "onet"):
        (folder / f"{network}.pt").write_bytes(zoo.published(f"mtcnn_{network}").read_bytes())
    random = np.random.default_rng(5)
    shapes = {"pnet": (2, 51, 38), "rnet": (5, 24, 24), "onet": (5, 48, 48), "facenet": (2, 160, 160)}
    pictures = {name: random.integers(0, 256, (*shape, 3), dtype=np.uint8) for name, shape in shapes.items()}
    np.savez(folder / "pictures.npz", **pictures)  # type: ignore[arg-type]
    subprocess.run([str(TRAINING_PYTHON), str(SCRIPT), str(folder)], check=True)
    with np.load(folder / "results.npz") as results:
        return pictures, dict(results), folder


@pytest.mark.parametrize("network", ["pnet", "rnet", "onet"])
def test_mtcnn(zoo: Zoo, reference: Reference, network: str) -> None:
    pictures, results, _ = reference
    ours = zoo.open(f"mtcnn_{network}").run(pictures[network])
    assert len(ours) == sum(name.startswith(network) for name in results)
    for index, output in enumerate(ours):
        np.testing.assert_allclose(output, results[f"{network}_{index}"], atol=1e-5)


@pytest.mark.parametrize("size", [12, 13, 24, 25, 63])
def test_pnet_takes_any_size(zoo: Zoo, size: int) -> None:
    boxes, probabilities = zoo.open("mtcnn_pnet").run(np.zeros((1, size, size + 5, 3), np.uint8))
    assert boxes.shape[2:] == probabilities.shape[2:]
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("file", ["facenet.pt", "facenet_legacy.pt"])
def test_facenet(reference: Reference, file: str) -> None:
    pictures, results, folder = reference
    state = StateDict(read_state_dict((folder / file).read_bytes()))
    model = fold_preprocessing(build_inception_resnet_v1(state), colours="RGB", mean=(127.5,) * 3, scale=128)
    session = OnnxSession(model.SerializeToString(), model_id=ModelId("facenet:random"))
    (ours,) = session.run(pictures["facenet"])
    np.testing.assert_allclose(ours, results["facenet"], atol=1e-4)
    assert (ours * results["facenet"]).sum(1).min() > 1 - 1e-5


def test_views_and_types_of_tensors(reference: Reference) -> None:
    tensors = read_state_dict((reference[2] / "views.pt").read_bytes())
    assert tensors["half"].dtype == np.float16
    assert tensors["half"].shape == (3, 2)
    assert tensors["long"].tolist() == [1, 2, 3]
