"""What a converted graph depends on, without what converts it.

Apart from `conversion.py`, because a service that finds its graphs in the cache asks for
recipes only, and the tools that make graphs are large.
"""

import hashlib

from facekey.zoo.cards import Card
from facekey.zoo.onnx import runtime_version

CONVERTER_VERSION = 3
"""To be raised whenever the same file would become another graph."""


def recipe_of(card: Card) -> str:
    """What the converted graph depends on besides the weights; another recipe, another graph."""
    ingredients = (CONVERTER_VERSION, runtime_version(), card.weights, card.input, card.outputs)
    return hashlib.sha256(repr(ingredients).encode()).hexdigest()
