"""What stands behind the ports is what the cards say, or nothing starts."""

import shutil
from pathlib import Path

import pytest

from facekey.core.errors import ModelError, ModelUnavailable
from facekey.wiring.vision import open_vision
from facekey.zoo.zoo import Zoo, default_cards_dir

LIVENESS = "liveness_resnet18"


@pytest.mark.parametrize(
    ("said", "instead"), [("box_scale = 1.3", "box_scale = 2.7"), ("live_index = 0", "live_index = 1")]
)
def test_a_liveness_card_that_asks_for_something_else_is_refused(
    zoo: Zoo, tmp_path: Path, said: str, instead: str
) -> None:
    cards, cache = tmp_path / "models", tmp_path / "cache"
    shutil.copytree(default_cards_dir(), cards)
    card = cards / f"{LIVENESS}.toml"
    text = card.read_text(encoding="utf-8")
    assert said in text
    card.write_text(text.replace(said, instead), encoding="utf-8")
    for name in zoo.names("default"):
        shutil.copytree(zoo.published(name).parents[1], cache / name)
    with pytest.raises(ModelError, match=LIVENESS):
        open_vision(Zoo(cache_dir=cache, cards_dir=cards))


def test_every_liveness_network_must_be_there(zoo: Zoo, tmp_path: Path) -> None:
    for name in zoo.names("default"):
        if name != LIVENESS:
            shutil.copytree(zoo.published(name).parents[1], tmp_path / name)
    with pytest.raises(ModelUnavailable, match=LIVENESS):
        open_vision(Zoo(cache_dir=tmp_path))
