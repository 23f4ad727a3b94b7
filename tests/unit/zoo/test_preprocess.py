import numpy as np
import onnx
import pytest

from facekey.core.errors import ConversionError
from facekey.core.types import ModelId
from facekey.zoo.cards import Colours
from facekey.zoo.convert.graph import Graph
from facekey.zoo.convert.preprocess import IMAGE, fold_preprocessing
from facekey.zoo.onnx import OnnxSession

RANDOM = np.random.default_rng(7)
KERNEL = RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)
BIAS = RANDOM.normal(size=4).astype(np.float32)


def network(first: str) -> onnx.ModelProto:
    """(N, 3, 6, 5) to (N, 4, ?, ?), beginning in one of the ways that networks begin."""
    graph = Graph(first)
    x = "x"
    if first == "pad":
        x = graph.node("Pad", x, graph.weight(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)))
    if first == "two readers":
        x = graph.node("Add", x, graph.node("Relu", "x"))
    weights = [graph.weight(KERNEL)] + ([graph.weight(BIAS)] if first != "no bias" else [])
    pads = (1, 0, 1, 2) if first == "padded" else (0, 0, 0, 0)
    graph.node("Conv", x, *weights, output="y", kernel_shape=(3, 3), pads=pads)
    return graph.model(inputs={"x": ("n", 3, 6, 5)}, outputs={"y": ("n", 4, "h", "w")})


def run(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    return OnnxSession(model.SerializeToString(), model_id=ModelId("x")).run(images)[0]


@pytest.mark.parametrize("first", ["plain", "no bias", "padded", "pad", "two readers"])
@pytest.mark.parametrize("colours", ["RGB", "BGR"])
@pytest.mark.parametrize(
    ("mean", "scale"), [((0, 0, 0), 1), ((0, 0, 0), 255), ((127.5,) * 3, 128), ((104, 117, 123), 1)]
)
def test_the_folded_network_gives_what_preparing_gave(
    first: str, colours: Colours, mean: tuple[float, float, float], scale: float
) -> None:
    model = network(first)
    before = model.SerializeToString()
    pictures = RANDOM.integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    ordered = pictures[..., ::-1] if colours == "BGR" else pictures
    prepared = ((ordered - np.asarray(mean, np.float32)) / np.float32(scale)).transpose(0, 3, 1, 2)
    folded = fold_preprocessing(model, colours=colours, mean=mean, scale=scale)
    wanted = run(model, np.ascontiguousarray(prepared, np.float32))
    np.testing.assert_allclose(run(folded, pictures), wanted, atol=2e-6 * max(1.0, np.abs(wanted).max()))
    assert model.SerializeToString() == before
    assert [value.name for value in folded.graph.input] == [IMAGE]


def test_without_padding_nothing_is_left_of_it() -> None:
    folded = fold_preprocessing(network("plain"), colours="BGR", mean=(1, 2, 3), scale=4)
    assert [node.op_type for node in folded.graph.node] == ["Transpose", "Cast", "Conv"]
    folded = fold_preprocessing(network("padded"), colours="BGR", mean=(1, 2, 3), scale=4)
    assert [node.op_type for node in folded.graph.node] == ["Transpose", "Cast", "Sub", "Conv"]


def test_only_pictures() -> None:
    graph = Graph("vector")
    graph.node("Relu", "x", output="y")
    model = graph.model(inputs={"x": ("n", 3)}, outputs={"y": ("n", 3)})
    with pytest.raises(ConversionError, match="one image"):
        fold_preprocessing(model, colours="RGB", mean=(0, 0, 0), scale=1)
