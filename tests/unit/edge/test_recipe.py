"""The recipe of small bundles, and the ranges that come with it."""

import shutil
from pathlib import Path

import pytest

from facekey.core.errors import CardInvalid, ConversionError
from facekey.edge.made import Precision, make_network, prepared
from facekey.edge.ranges import activations
from facekey.edge.recipe import read_recipe
from facekey.zoo.zoo import Zoo, default_cards_dir


def test_ranges_come_for_every_operator_in_int8(zoo: Zoo) -> None:
    recipe = read_recipe(default_cards_dir())
    in_int8 = 0
    for name, treatment in recipe.treatments.items():
        model = prepared(zoo.graph(name), name)
        nodes = treatment.nodes(model)
        if nodes:
            assert set(activations(model, nodes)) == set(recipe.ranges(name)), name
            in_int8 += 1
    assert in_int8 >= 2


def test_the_networks_that_vote_are_treated() -> None:
    recipe = read_recipe(default_cards_dir())
    assert recipe.voting.slopes.keys() <= recipe.treatments.keys()


def test_a_network_without_a_treatment_is_refused(zoo: Zoo) -> None:
    recipe = read_recipe(default_cards_dir())
    card = zoo.card("iris")
    with pytest.raises(ConversionError, match="no network iris"):
        make_network(card, zoo.graph("iris"), precision=Precision.INT8, recipe=recipe)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("threshold = 0.", "threshold = 7.", "between 0 and 1"),
        ("share = 0.9999", "share = 0.2", "0.9 to 1"),
        ('weights = "int8"', 'weights = "int4"', "weights"),
        ("[liveness.intercepts]\nliveness_minifasnet", "[liveness.intercepts]\nother", "same networks"),
        ("[liveness]", "[livenes]", "liveness"),
        ("detector_px = [", "detector_px = ", "int8.toml"),
    ],
)
def test_a_recipe_that_can_not_be_followed_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    shutil.copytree(default_cards_dir() / "edge", tmp_path / "edge")
    path = tmp_path / "edge" / "int8.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CardInvalid, match=why):
        read_recipe(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b'{"ranges": {"a": [1]}}', b'{"ranges": 3}', b"[]", b"\xff"])
def test_ranges_that_can_not_be_read_are_refused(tmp_path: Path, content: bytes | None) -> None:
    shutil.copytree(default_cards_dir() / "edge", tmp_path / "edge")
    path = tmp_path / "edge" / "retinaface.ranges.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CardInvalid, match=r"retinaface\.ranges\.json"):
        read_recipe(tmp_path).ranges("retinaface")


def test_there_is_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(CardInvalid, match=r"int8\.toml"):
        read_recipe(tmp_path)
