"""Networks published as ONNX: what the zoo opens against the published file, fed by hand."""

import numpy as np
import pytest

from facekey.zoo.cards import load_cards
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo, default_cards_dir

CARDS = load_cards(default_cards_dir())
ONNX = [name for name, card in CARDS.items() if card.weights.format == "onnx" and card.input is not None]


@pytest.mark.parametrize("name", ONNX)
def test_preprocessing_in_the_graph_is_that_of_the_card(zoo: Zoo, name: str) -> None:
    card = zoo.card(name)
    status = zoo.status(name)
    if not status.installed:
        pytest.skip(f"{name}: {status.reason}")  # large and optional; `facekey models pull` brings it
    assert card.input is not None
    height, width = (size or 200 + 30 * index for index, size in enumerate(card.input.size))
    pictures = np.random.default_rng(2).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    planes = pictures[..., ::-1] if card.input.colours == "BGR" else pictures
    prepared = (planes - np.asarray(card.input.mean, np.float32)) / np.float32(card.input.scale)
    published = OnnxSession(zoo.published(name), model_id=card.model_id)
    theirs = published.run(np.ascontiguousarray(prepared.transpose(0, 3, 1, 2), dtype=np.float32))
    session = zoo.open(name)
    for ours, wanted, output in zip(session.run(pictures), theirs, card.outputs, strict=True):
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(ours, wanted, atol=1e-4 * scale)
        sizes = zip(ours.shape[1:], output.shape, strict=True)
        assert all(want in (0, have) for have, want in sizes)
    assert [port.name for port in session.outputs] == [output.name for output in card.outputs]
