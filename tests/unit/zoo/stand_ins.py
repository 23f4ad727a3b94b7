"""Networks with the inputs and outputs of the published ones, small enough to be made in a test."""

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facekey.zoo.cards import Card, UrlSource, load_cards
from facekey.zoo.convert.networks.inception_resnet_v1 import build_inception_resnet_v1
from facekey.zoo.convert.state import StateDict, Weights
from facekey.zoo.zoo import default_cards_dir
from tests.unit.zoo.conftest import Page, Server
from tests.unit.zoo.test_torch_pickle import Call, Storage, tensor, torch_file

CELLS = 7  # the stand-ins see the face as 7 x 7 x 3 means

NAMES: Mapping[str, tuple[str, str]] = {
    "arcface_r100": ("input.1", "1333"),
    "arcface_r50": ("input.1", "683"),
    "arcface_mobile": ("input.1", "516"),
    "midas_small": ("0", "797"),
}
"""What the published files call their input and output."""

_STORED = 1 << 20  # numbers; as many as the largest tensor has


def stand_in(card: Card, *, seed: int = 1) -> bytes:
    """A file with the published one's signature."""
    if card.weights.format == "torch":
        return facenet_state(seed)
    return onnx_stand_in(card, seed=seed)


def onnx_stand_in(card: Card, *, seed: int = 1) -> bytes:
    """Means of cells, one dense layer. As older exporters do it lists its weights among the inputs."""
    assert card.input is not None
    given, gives = NAMES.get(card.name, ("input", "output"))
    height, width = card.input.size
    shape = card.outputs[0].shape
    if len(shape) == 2:  # a picture again
        nodes = [helper.make_node("ReduceMean", [given], [gives], axes=[1], keepdims=0)]
        weights = []
    else:
        nodes = [
            _pooled(given, height // CELLS, width // CELLS),
            helper.make_node("Flatten", ["cells"], ["flat"], axis=1),
            helper.make_node("Gemm", ["flat", "dense"], [gives], transB=1),
        ]
        seen = 3 * _cells(height) * _cells(width)
        dense = np.random.default_rng(seed).normal(0, 0.1, (shape[0], seen))
        weights = [numpy_helper.from_array(dense.astype(np.float32), "dense")]
    batch: int | str = 1 if card.name == "midas_small" else "None"
    listed = [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in weights]
    graph = helper.make_graph(
        nodes,
        card.name,
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, [batch, 3, height, width]), *listed],
        [helper.make_tensor_value_info(gives, TensorProto.FLOAT, [1, *shape])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=6)
    content: bytes = model.SerializeToString()
    return content


def _pooled(given: str, height: int, width: int) -> onnx.NodeProto:
    sides = [height, width]
    return helper.make_node("AveragePool", [given], ["cells"], kernel_shape=sides, strides=sides)


def _cells(side: int) -> int:
    return side // (side // CELLS)


def facenet_state(seed: int = 1) -> bytes:
    """A state dict of the right names and shapes whose tensors all lie in one small storage."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.04, _STORED).astype("<f4").tobytes()
    tensors: dict[str, Call] = {}
    for name, shape in facenet_shapes().items():
        key = "0"
        if name.endswith((".running_var", "bn.weight")):
            key = "1"
        strides = tuple(int(np.prod(shape[place + 1 :])) for place in range(len(shape)))
        tensors[name] = tensor(Storage(key, _STORED), shape=shape, strides=strides)
    return torch_file(tensors, **{"0": weights, "1": np.ones(_STORED, "<f4").tobytes()})


class _Noting(StateDict):
    """Gives zeros of every shape."""

    def __init__(self) -> None:
        super().__init__({})
        self.shapes: dict[str, tuple[int, ...]] = {}

    def take(self, name: str, shape: tuple[int, ...]) -> Weights:
        self.shapes[name] = shape
        return np.ones(shape, np.float32)


def facenet_shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the network, from the definition of ours."""
    noting = _Noting()
    build_inception_resnet_v1(noting)
    return noting.shapes


def upstream_cards(server: Server, folder: Path) -> tuple[str, ...]:
    """Copy the cards of all networks that come from public addresses; a server gives stand-ins instead.

    The paths of the addresses stay, hashes and sizes become the stand-ins'.
    """
    folder.mkdir()
    names = []
    for name, card in load_cards(default_cards_dir()).items():
        if card.pack == "default" or not all(isinstance(source, UrlSource) for source in card.sources):
            continue
        (source,) = card.sources
        assert isinstance(source, UrlSource)
        content = stand_in(card)
        served = content
        if source.members:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr(source.members[-1], content)
            served = buffer.getvalue()
        server.pages[urlsplit(source.url).path] = Page(served)
        write_card(card, folder, content, url=server.url(urlsplit(source.url).path))
        names.append(name)
    return tuple(names)


def write_card(card: Card, folder: Path, content: bytes, *, url: str) -> None:
    """A copy of a card for other bytes at another address."""
    text = card.path.read_text(encoding="utf-8")
    for old, new in (
        (r'^sha256 = ".*"', f'sha256 = "{hashlib.sha256(content).hexdigest()}"'),
        (r"^max_bytes = .*", f"max_bytes = {len(content) + 4096}"),
        (r'^url = ".*"', f'url = "{url}"'),
    ):
        text = re.sub(old, new, text, flags=re.MULTILINE)
    (folder / card.path.name).write_text(text, encoding="utf-8")
