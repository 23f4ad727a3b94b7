from collections.abc import Callable

import numpy as np
import pytest

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.ports.vision import Embedder
from facekey.core.types import Crop, IdentityLayout, Layout
from facekey.vision.embed.arcface import arcface_embedder
from facekey.vision.embed.dlib_resnet29 import dlib_embedder
from facekey.vision.embed.facenet import facenet_embedder
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.zoo.onnx import OnnxSession
from tests.unit.vision.faces import constant_network

EMBEDDERS: list[tuple[Callable[[OnnxSession], Embedder], int, int, IdentityLayout]] = [
    (arcface_embedder, 112, 512, "identity"),
    (facenet_embedder, 160, 512, "identity"),
    (mobilefacenet_embedder, 112, 192, "identity"),
    (dlib_embedder, 150, 128, "chip"),
]


def network(side: int, *vectors: list[float]) -> OnnxSession:
    value = np.array(vectors, np.float32)
    return constant_network(("N", side, side, 3), {"embedding": (("N", value.shape[1]), value)})


def crops(side: int, layout: IdentityLayout, count: int = 1) -> list[Crop]:
    pixels = np.zeros((side, side, 3), np.uint8)
    return [Crop(pixels, layout, np.eye(2, 3, dtype=np.float32))] * count


@pytest.mark.parametrize(("embedder", "side", "dim", "layout"), EMBEDDERS)
def test_vectors_come_in_order_and_of_norm_one(
    embedder: Callable[[OnnxSession], Embedder], side: int, dim: int, layout: IdentityLayout
) -> None:
    session = network(side, [3.0, 4.0] + [0.0] * (dim - 2), [0.0] * (dim - 1) + [-0.5])
    made = embedder(session)
    first, second = made.embed(crops(side, layout, 2))
    assert (made.crop_px, made.layout) == (side, layout)
    assert first.vector[:2].tolist() == pytest.approx([0.6, 0.8])
    assert second.vector[-1] == -1
    assert first.model == made.model_id == session.model_id
    assert first.vector.dtype == np.float32


@pytest.mark.parametrize("bad", [0.0, 1e-6, float("nan"), float("inf")])
@pytest.mark.parametrize(("embedder", "side", "dim", "layout"), EMBEDDERS)
def test_a_vector_that_is_none_raises(
    embedder: Callable[[OnnxSession], Embedder], side: int, dim: int, layout: IdentityLayout, bad: float
) -> None:
    with pytest.raises(ModelOutputInvalid):
        embedder(network(side, [bad] * dim)).embed(crops(side, layout))


@pytest.mark.parametrize(("embedder", "side", "dim", "layout"), EMBEDDERS)
def test_another_network_is_refused(
    embedder: Callable[[OnnxSession], Embedder], side: int, dim: int, layout: IdentityLayout
) -> None:
    assert embedder(network(side, [1.0] * dim)).layout == layout
    for session in (network(side + 1, [1.0] * dim), network(side, [1.0] * (dim + 1))):
        with pytest.raises(ModelError):
            embedder(session)


@pytest.mark.parametrize("layout", ["context", "chip"])
def test_a_crop_of_another_layout_is_refused(layout: Layout) -> None:
    embedder = mobilefacenet_embedder(network(112, [1.0] + [0.0] * 191))
    other = Crop(np.zeros((112, 112, 3), np.uint8), layout, np.eye(2, 3, dtype=np.float32))
    with pytest.raises(ValueError, match="layout identity"):
        embedder.embed([other])
