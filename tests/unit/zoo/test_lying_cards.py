"""Networks that are broken, and cards that don't tell the truth: one line, and nothing half-written."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facekey.core.errors import CardInvalid, ConversionError, ModelError
from facekey.vision.embed.arcface import arcface_embedder
from facekey.zoo.cards import load_card
from facekey.zoo.zoo import Zoo, default_cards_dir
from tests.unit.zoo.stand_ins import stand_in, write_card


@pytest.fixture
def published() -> bytes:
    """A network as the card of ArcFace IResNet-100 describes it."""
    return stand_in(load_card(default_cards_dir() / "arcface_r100.toml"))


def cards_for(folder: Path, content: bytes, *changes: tuple[str, str]) -> Path:
    """A card folder whose one card is true to the bytes' hash, and otherwise says what it is told to."""
    cards = folder / "cards"
    (cards / "weights").mkdir(parents=True)
    card = load_card(default_cards_dir() / "arcface_r100.toml")
    write_card(card, cards, content, url="http://127.0.0.1/unused")
    path = cards / "arcface_r100.toml"
    text = path.read_text(encoding="utf-8")
    before, _, after = text.partition("[[sources]]")
    shipped = '[[sources]]\nkind = "shipped"\npath = "weights/net.onnx"\n\n'
    text = before + shipped + after[after.index("[input]") :]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    (cards / "weights" / "net.onnx").write_bytes(content)
    return cards


def changed(content: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_model_from_string(content)
    change(model)
    data: bytes = model.SerializeToString()
    return data


def nan_weight(model: onnx.ModelProto) -> None:
    (dense,) = model.graph.initializer
    values = numpy_helper.to_array(dense).copy()
    values[3, 5] = np.nan
    dense.CopyFrom(numpy_helper.from_array(values, dense.name))


def half_the_weights(model: onnx.ModelProto) -> None:
    (dense,) = model.graph.initializer
    dense.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(dense)[:256], dense.name))


def free_outputs(model: onnx.ModelProto) -> None:
    """256 numbers, and a graph that leaves open how many."""
    half_the_weights(model)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "n"


def no_weights(model: onnx.ModelProto) -> None:
    del model.graph.initializer[:]


def two_inputs(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1, 3, 112, 112]))


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Telepathy"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nan_weight, "not all finite"),
        (half_the_weights, r"embedding is \(256,\)"),
        (free_outputs, r"embedding is \(256,\), the card says \(512,\)"),
        (no_weights, "not an ONNX file|inputs are"),
        (two_inputs, "the inputs are"),
        (unknown_operator, "Telepathy"),
    ],
)
def test_a_network_that_cant_be_right(
    tmp_path: Path, published: bytes, change: Callable[[onnx.ModelProto], None], reason: str
) -> None:
    refused(tmp_path, cards_for(tmp_path, changed(published, change)), reason)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_half_a_network(tmp_path: Path, published: bytes, share: float) -> None:
    refused(tmp_path, cards_for(tmp_path, published[: int(share * len(published))] or b"\n"), ".")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("size = [112, 112]", "size = [160, 160]", "the inputs are"),
        ("shape = [512]", "shape = [128]", "the outputs are"),
        ("shape = [512]", "shape = [512, 2]", "the outputs are"),
        ("scale = 127.5", "scale = 1e-38", "not finite"),
        ('format = "onnx"', 'format = "tflite"', "."),
        ('format = "onnx"', 'format = "torch"\nnetwork = "inception_resnet_v1"', "."),
    ],
)
def test_a_card_that_says_what_the_network_is_not(
    tmp_path: Path, published: bytes, old: str, new: str, reason: str
) -> None:
    refused(tmp_path, cards_for(tmp_path, published, (old, new)), reason)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('colours = "RGB"', 'colours = "RBG"'),
        ('colours = "RGB"', 'colours = "GREY"'),
        ("mean = [127.5, 127.5, 127.5]", "mean = [127.5]"),
        ("mean = [127.5, 127.5, 127.5]", "mean = [nan, 0.0, 0.0]"),
        ("shape = [512]", "shape = [-512]"),
    ],
)
def test_a_card_that_cant_be_true_of_any_network(
    tmp_path: Path, published: bytes, old: str, new: str
) -> None:
    cards = cards_for(tmp_path, published, (old, new))
    with pytest.raises(CardInvalid, match=r"arcface_r100\.toml"):
        Zoo(cache_dir=tmp_path / "cache", cards_dir=cards)


def test_another_network_than_the_adapter_was_written_for(tmp_path: Path) -> None:
    """Card and file agree with each other, but not with what ArcFace is."""
    other = changed(
        stand_in(load_card(default_cards_dir() / "arcface_r100.toml")),
        half_the_weights_and_output,
    )
    zoo = Zoo(
        cache_dir=tmp_path / "cache",
        cards_dir=cards_for(tmp_path, other, ("shape = [512]", "shape = [256]")),
    )
    assert zoo.pull(["arcface_r100"])[0].installed
    with pytest.raises(ModelError, match=r"output shapes are \(\(256,\),\), expected"):
        arcface_embedder(zoo.open("arcface_r100"))


def half_the_weights_and_output(model: onnx.ModelProto) -> None:
    half_the_weights(model)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 256


def refused(folder: Path, cards: Path, reason: str) -> None:
    zoo = Zoo(cache_dir=folder / "cache", cards_dir=cards)
    (result,) = zoo.pull(["arcface_r100"])
    assert not result.installed
    said = str(result.reason)
    assert "\n" not in said
    assert re.search(reason, said), said
    # Nothing that could be opened, now or after a restart.
    here = {path.name for path in (folder / "cache" / "arcface_r100").iterdir() if path.is_file()}
    assert here <= {".lock", "last_failure.txt"}
    assert said in str(zoo.status("arcface_r100").reason)
    with pytest.raises(ConversionError):
        zoo.open("arcface_r100")
    assert (
        hashlib.sha256(zoo.published("arcface_r100").read_bytes()).hexdigest()
        == zoo.card("arcface_r100").weights.sha256
    )
