"""Converted TFLite networks against the runtime they were made for, LiteRT."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]
from numpy.typing import NDArray

from facekey.zoo.cards import Card
from facekey.zoo.convert.tflite import convert_tflite
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo

Floats = NDArray[np.float32]

COSINE_LOSS = 1e-6
RELATIVE = 1e-4


def published(zoo: Zoo, name: str) -> tuple[Card, bytes]:
    return zoo.card(name), zoo.published(name).read_bytes()


class LiteRt:
    """The original runtime, fed in the batches that the file was written for."""

    def __init__(self, model: bytes) -> None:
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()

    def run(self, images: Floats) -> list[Floats]:
        """(N, H, W, 3) to (N, D) for each output, whatever the file's batch is."""
        batch = self._input["shape"][0]
        rows: list[list[Floats]] = [[] for _ in self._outputs]
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            padded = np.zeros(self._input["shape"], np.float32)
            padded[: len(part)] = part
            self._interpreter.set_tensor(self._input["index"], padded)
            self._interpreter.invoke()
            for row, detail in zip(rows, self._outputs, strict=True):
                values = self._interpreter.get_tensor(detail["index"])
                row.append(values.reshape(batch, -1)[: len(part)].copy())
        return [np.concatenate(row) for row in rows]


def pictures(kind: str, count: int, size: int) -> NDArray[np.uint8]:
    """(N, S, S, 3) uint8: noise, smooth shapes, and the two flat extremes."""
    random = np.random.default_rng(size)
    if kind == "noise":
        return random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    if kind == "black":
        return np.zeros((count, size, size, 3), np.uint8)
    if kind == "white":
        return np.full((count, size, size, 3), 255, np.uint8)
    rows, columns = np.mgrid[0:size, 0:size] / size
    phases = random.uniform(0, 6.28, (count, 1, 1, 3))
    waves = np.sin(7 * rows[None, ..., None] + 5 * columns[None, ..., None] + phases)
    return np.asarray(127.5 + 127.4 * waves).astype(np.uint8)


def assert_same(ours: list[Floats], theirs: list[Floats]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        scale = max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(mine, other, atol=RELATIVE * scale, rtol=0)
        if other.shape[1] > 1:
            cosine = (mine * other).sum(1) / (np.linalg.norm(mine, axis=1) * np.linalg.norm(other, axis=1))
            assert cosine.min() > 1 - COSINE_LOSS


@pytest.mark.parametrize("kind", ["noise", "waves", "black", "white"])
@pytest.mark.parametrize(
    ("name", "batch"),
    [
        ("mobilefacenet", 1),
        ("mobilefacenet", 2),
        ("mobilefacenet", 5),
        ("facemesh", 1),
        ("facemesh", 3),
        ("iris", 2),
    ],
)
def test_what_the_zoo_opens_agrees_with_litert(zoo: Zoo, name: str, batch: int, kind: str) -> None:
    card, file = published(zoo, name)
    assert card.input is not None
    images = pictures(kind, batch, card.input.size[0])
    prepared = (
        (images.astype(np.float32) - np.asarray(card.input.mean, np.float32)) / card.input.scale
    ).astype(np.float32)
    assert_same(zoo.open(name).run(images), LiteRt(file).run(prepared))


@pytest.mark.parametrize("seed", range(3))
def test_the_bare_graph_agrees_beyond_the_range_of_pictures(zoo: Zoo, seed: int) -> None:
    card, file = published(zoo, "mobilefacenet")
    graph = convert_tflite(file, name="x", outputs=["embedding"]).SerializeToString()
    images = np.random.default_rng(seed).normal(0, 2, (3, 112, 112, 3)).astype(np.float32)
    theirs = LiteRt(file).run(images)
    session = OnnxSession(graph, model_id=card.model_id)
    assert_same(session.run(np.ascontiguousarray(images.transpose(0, 3, 1, 2))), theirs)
    assert card.outputs[0].shape == (192,)


def test_prelu_was_folded_and_no_transposition_is_left(zoo: Zoo) -> None:
    _, file = published(zoo, "mobilefacenet")
    kinds = [node.op_type for node in convert_tflite(file, name="x", outputs=["embedding"]).graph.node]
    assert kinds.count("PRelu") == 33
    assert {"Abs", "Sub", "Mul", "Relu", "Transpose"}.isdisjoint(kinds)
    assert kinds.count("Conv") == 35 + 17
