"""The file that says how recognition networks are fused, and what is refused of it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facekey.core.errors import HashMismatch, ModelError
from facekey.core.fused_embedding import EmbeddingFusion
from facekey.core.fusion import ScoreFusion
from facekey.core.types import ModelId
from facekey.wiring.fusion import open_fusion
from facekey.zoo.convert.graph import Graph
from facekey.zoo.face_fusion import read_face_fusion
from facekey.zoo.zoo import Zoo

A, B, C = ModelId("a:0"), ModelId("b:0"), ModelId("c:0")
SIZES = {A: 3, B: 2}
BORN = {"data": "d", "protocol": "p", "comparisons": 1, "date": "2026-01-01", "commit": "c"}
KNOTS = [[0.1, 1.0], [0.5, 3.0]]


def network() -> bytes:
    """Adapters into 512 dimensions and nothing else."""
    graph = Graph("made")
    parts = [
        graph.node("MatMul", f"network{place}", graph.weight(np.eye(size, 512, place, dtype=np.float32)))
        for place, size in enumerate(SIZES.values())
    ]
    graph.node("LpNormalization", graph.node("Sum", *parts), output="fused", axis=1, p=2)
    inputs = {f"network{place}": ("batch", size) for place, size in enumerate(SIZES.values())}
    return bytes(graph.model(inputs=inputs, outputs={"fused": ("batch", 512)}).SerializeToString())


def written(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
    content = network()
    values: dict[str, Any] = {
        "format": 1,
        "kind": "scores",
        "population": "p.npy",
        "scores": [
            {
                "weights": {A: 0.6, B: 0.4},
                "knots": KNOTS,
                "born": dict(BORN),
            }
        ],
        "embedding": {
            "file": "n.onnx",
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": dict(SIZES),
            "subsets": [{"networks": [A, B], "knots": KNOTS, "born": dict(BORN)}],
        },
    }
    change(values)
    np.save(folder / "p.npy", np.eye(6, 5, dtype=np.float16))
    (folder / "n.onnx").write_bytes(content)
    (folder / "fusion.json").write_text(json.dumps(values))
    return folder / "fusion.json"


def test_rules_are_for_the_networks_in_use(tmp_path: Path) -> None:
    path = written(tmp_path)
    both = open_fusion(frozenset({A, B}), path=path)
    assert [type(rule) for rule in both.rules] == [ScoreFusion]
    assert both.rules[0].networks == {A, B}
    assert both.together is not None
    assert open_fusion(frozenset({A, B, C}), path=path).together is None
    assert len(open_fusion(frozenset({A, B, C}), path=path).rules) == 1
    assert open_fusion(frozenset({A, C}), path=path).rules == ()
    assert open_fusion(frozenset({A, C}), path=path, kind="embedding").rules == ()
    assert open_fusion(frozenset({A}), path=path).rules == ()
    (other,) = open_fusion(frozenset({A, B}), path=path, kind="embedding").rules
    assert isinstance(other, EmbeddingFusion)
    unit = {A: np.array([0.6, 0.8, 0.0], np.float32), B: np.array([0.0, 1.0], np.float32)}
    assert other.evidence(unit, unit) == pytest.approx(5.5)  # the last slope goes on to cosine 1
    with pytest.raises(ValueError, match="fused embeddings are of"):
        other.fuser.fuse({C: np.ones((1, 4), np.float32)})


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(format=2),
        lambda values: values.update(kind="votes"),
        lambda values: values.update(surplus=1),
        lambda values: values.pop("population"),
        lambda values: values.update(population="../p.npy"),
        lambda values: values.update(population="n.onnx"),
        lambda values: values["scores"][0]["weights"].update({A: -1.0}),
        lambda values: values["scores"][0].update(surplus=1),
        lambda values: values["scores"][0]["born"].pop("commit"),
        lambda values: values["scores"][0].update(knots=[[0.5, 1.0], [0.1, 3.0]]),
        lambda values: values["embedding"].update(file="../n.onnx"),
        lambda values: values["embedding"].update(surplus=1),
        lambda values: values["embedding"]["inputs"].update({A: 7}),
        lambda values: values.update(embedding=[]),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ModelError):
        read_face_fusion(written(tmp_path, change))


def test_another_network_or_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "n.onnx").write_bytes(network() + b"x")
    with pytest.raises(HashMismatch):
        read_face_fusion(path)
    path.write_text("[")
    with pytest.raises(ModelError, match=r"fusion\.json"):
        read_face_fusion(path)


def test_what_ships_is_for_networks_with_cards(zoo: Zoo) -> None:
    shipped = read_face_fusion()
    able = {
        card.model_id for card in zoo.cards.values() if card.task == "embed" and card.calibration is not None
    }
    assert set(shipped.together.sizes) <= able
    assert {frozenset(scores.weights) for scores in shipped.scores} == set(shipped.embeddings.calibrations)
    assert all(scores.calibration.born.comparisons > 10**6 for scores in shipped.scores)
