"""What is done to each network of a small bundle, and how its liveness networks decide together.

`models/edge/int8.toml` says it. Which network takes which way was chosen by what it loses and gains
(docs/edge.md).
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx

from facekey.core.calibration import Birth
from facekey.core.errors import CardInvalid
from facekey.edge.quantise import Ranges
from facekey.zoo.toml_table import TomlTable

RECIPE = "int8.toml"

Storage = Literal["float16", "int8"]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to one network.

    Attributes:
        weights: how those are stored that are computed with in float32.
        patterns: nodes whose names fit one of these regular expressions are computed in int8.
        operators: of these kinds only.
        share: see `edge.ranges.measure`.
    """

    weights: Storage
    patterns: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    share: float = 1.0

    def nodes(self, model: onnx.ModelProto) -> list[str]:
        """Names of the nodes that are computed in int8."""
        return [
            node.name
            for node in model.graph.node
            if node.op_type in self.operators and any(re.match(one, node.name) for one in self.patterns)
        ]


@dataclass(frozen=True, slots=True)
class Voting:
    """The liveness networks of a small bundle; Platt's calibration of each, for their mean."""

    threshold: float
    slopes: Mapping[str, float]
    intercepts: Mapping[str, float]
    born: Birth


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an int8 bundle is made.

    Attributes:
        treatments: by network.
        detector_px: long side of the detector's first and second look.
        folder: where the ranges are.
    """

    treatments: Mapping[str, Treatment]
    voting: Voting
    detector_px: tuple[int, int]
    folder: Path

    def ranges(self, name: str) -> Ranges:
        """The ranges of one network's activations that come with FaceKey.

        Raises:
            CardInvalid: there are none, or they can't be read.
        """
        path = self.folder / f"{name}.ranges.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))["ranges"]
            return {str(key): (float(low), float(high)) for key, (low, high) in values.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CardInvalid(f"{path.name}: the ranges of activations can't be read: {error}") from error


def read_recipe(cards_dir: Path) -> Recipe:
    """Read the recipe beside the cards.

    Raises:
        CardInvalid: it can't be read.
    """
    path = cards_dir / "edge" / RECIPE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardInvalid(f"{RECIPE}: {error}") from error
    table = TomlTable(values, RECIPE)
    first, second = table.integers("detector_px")
    treatments = {one.text("name"): _treatment(one) for one in table.tables("networks")}
    voting = _voting(table.table("liveness"))
    table.close()
    return Recipe(treatments, voting, (first, second), path.parent)


def _treatment(table: TomlTable) -> Treatment:
    stored = table.text("weights", one_of=("float16", "int8"))
    treatment = Treatment(
        weights="int8" if stored == "int8" else "float16",
        patterns=table.texts("patterns") if table.has("patterns") else (),
        operators=table.texts("operators") if table.has("operators") else (),
        share=table.number("share") if table.has("share") else 1.0,
    )
    if not 0.9 <= treatment.share <= 1.0:
        raise table.wrong("share", "should be 0.9 to 1")
    table.close()
    return treatment


def _voting(table: TomlTable) -> Voting:
    voting = Voting(
        threshold=table.number("threshold"),
        slopes=table.number_table("slopes"),
        intercepts=table.number_table("intercepts"),
        born=_birth(table.table("born")),
    )
    if not 0.0 < voting.threshold < 1.0:
        raise table.wrong("threshold", "should be between 0 and 1")
    if not voting.slopes or voting.slopes.keys() != voting.intercepts.keys():
        raise table.wrong("slopes", "should name the same networks as intercepts")
    table.close()
    return voting


def _birth(table: TomlTable) -> Birth:
    born = Birth(
        data=table.text("data"),
        protocol=table.text("protocol"),
        comparisons=table.integer("comparisons", at_least=1),
        date=table.day("date"),
        commit=table.text("commit"),
    )
    table.close()
    return born
