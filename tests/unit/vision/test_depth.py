from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import FaceMesh, Floats, Frame, ModelId
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.vision.liveness.depth import CROP_PX, MESH_MODEL, DepthMap, MeshDepth, MidasDepth, relief_of
from facekey.vision.liveness.depth_picture import GAP_PX, LEGEND_PX, depth_png
from facekey.zoo.cards import load_card
from facekey.zoo.convert.conversion import convert
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo, default_cards_dir
from tests.unit.vision.faces import constant_network, detection_at

CARD = load_card(default_cards_dir() / "midas_small.toml")
FACE = detection_at(100, 80, width=60)


def published(last: str | None = None) -> bytes:
    """A tiny network of MiDaS' own input and output: names, shapes and scaling in the graph.

    Depth is the brightness of the picture, after the ImageNet scaling that MiDaS' graph does.
    """
    constants: dict[str, NDArray[np.generic]] = {
        "mean": np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1),
        "std": np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1),
        "kernel": np.full((1, 3, 1, 1), 100.0, np.float32),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Sub", ["0", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "kernel"], ["one"]),
        helper.make_node("Squeeze", ["one", "axis"], ["797" if last is None else "depth_before"]),
    ]
    if last is not None:
        nodes.append(helper.make_node(last, ["depth_before"], ["797"]))
    graph = helper.make_graph(
        nodes,
        "midas",
        [helper.make_tensor_value_info("0", TensorProto.FLOAT, [1, 3, CROP_PX, CROP_PX])],
        [helper.make_tensor_value_info("797", TensorProto.FLOAT, [1, CROP_PX, CROP_PX])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def midas(last: str | None = None) -> MidasDepth:
    return MidasDepth(OnnxSession(convert(CARD, published(last)), model_id=CARD.model_id))


def mesh_of(depth: float) -> FaceMesh:
    """Points over the face box, as far from a plane as `depth` says."""
    number = np.arange(468)
    radius, angle = 30 * np.sqrt((number + 0.5) / 468), number * np.pi * (3 - np.sqrt(5))
    x, y = radius * np.cos(angle), 1.3 * radius * np.sin(angle)
    z = -depth * (1 - (x**2 + y**2 / 1.69) / 900)
    return FaceMesh(np.stack([130 + x, 120 + y, z], axis=1).astype(np.float32), 1.0)


@pytest.fixture
def lit_from_the_left() -> Frame:
    """A flat scene, brighter to the right: to the made-up network, a tilted sheet."""
    ramp = np.linspace(40, 200, 300).astype(np.uint8)
    return Frame(np.repeat(np.tile(ramp, (300, 1))[..., None], 3, axis=2))


@pytest.fixture
def lit_from_the_front(lit_from_the_left: Frame) -> Frame:
    """The same with a bright face that falls off to its edges."""
    y, x = np.mgrid[0:300, 0:300]
    glow = 55 * np.clip(1 - ((x - 130) ** 2 + (y - 120) ** 2) / 2500, 0, 1)
    return Frame((lit_from_the_left.pixels * 0.5 + glow[..., None]).astype(np.uint8))


def test_a_sheet_has_no_relief_however_it_is_tilted_and_a_face_has(
    lit_from_the_left: Frame, lit_from_the_front: Frame
) -> None:
    flat = midas().depth(lit_from_the_left, FACE, mesh_of(20))
    solid = midas().depth(lit_from_the_front, FACE, mesh_of(20))
    assert flat.relief < 0.01
    assert solid.relief > 0.05
    assert flat.model == CARD.model_id


def test_the_map_covers_the_crop_from_0_to_1(lit_from_the_left: Frame) -> None:
    seen = midas().depth(lit_from_the_left, FACE, mesh_of(20))
    assert seen.nearness.shape == seen.face.shape == seen.crop.shape[:2] == (CROP_PX, CROP_PX)
    assert (seen.nearness.min(), seen.nearness.max()) == (0.0, 1.0)
    # What is bright is near, and right is bright.
    assert seen.nearness[:, -20:].mean() > seen.nearness[:, :20].mean() + 0.5
    assert 0.1 < seen.face.mean() < 0.6


def test_depth_that_is_not_finite_raises(lit_from_the_left: Frame) -> None:
    # The logarithm of the negative half of the scaled picture is no number.
    with pytest.raises(ModelOutputInvalid):
        midas("Log").depth(lit_from_the_left, FACE, mesh_of(20))


def test_another_network_is_refused() -> None:
    value = np.zeros((1, 128, 128), np.float32)
    other = constant_network(("N", 128, 128, 3), {"depth": (("N", 128, 128), value)})
    with pytest.raises(ModelError):
        MidasDepth(other)


def test_the_published_file_finds_relief_in_a_face(zoo: Zoo, samples: dict[str, Path]) -> None:
    status = zoo.status("midas_small")
    if not status.installed:
        pytest.skip(f"midas_small: {status.reason}; `facekey models pull midas_small` brings it")
    frame = decode(samples["obama.jpg"].read_bytes(), DecodeLimits())
    middle = detection_at(frame.size[1] * 0.3, frame.size[0] * 0.15, width=frame.size[1] * 0.35)
    box = middle.box
    spread = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, 0], np.float32)
    mesh = FaceMesh(((mesh_of(20).points - (130, 120, 0)) * box.width / 60 + spread).astype(np.float32), 1.0)
    assert MidasDepth(zoo.open("midas_small")).depth(frame, middle, mesh).relief > 0.02


def test_the_mesh_believes_in_its_own_depth(lit_from_the_left: Frame) -> None:
    solid = MeshDepth().depth(lit_from_the_left, FACE, mesh_of(20))
    flat = MeshDepth().depth(lit_from_the_left, FACE, mesh_of(0))
    assert solid.model == flat.model == MESH_MODEL
    assert solid.relief > 0.1
    assert flat.relief == 0.0
    assert np.isnan(solid.nearness[~solid.face]).all()
    middle = np.argwhere(solid.face).mean(axis=0).astype(int)
    assert solid.nearness[tuple(middle)] > 0.9


@pytest.mark.parametrize("values", [np.zeros((8, 8)), np.full((8, 8), np.nan)])
def test_a_map_of_nothing_has_no_relief(values: Floats) -> None:
    assert relief_of(values.astype(np.float32), np.ones((8, 8), bool)) == 0.0


def test_relief_needs_a_face() -> None:
    values = np.arange(64, dtype=np.float32).reshape(8, 8) ** 2
    assert relief_of(values, np.zeros((8, 8), bool)) == 0.0


@pytest.fixture
def drawn() -> DepthMap:
    nearness = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    nearness[:, :8] = np.nan
    face = np.zeros((64, 64), bool)
    face[16:48, 16:48] = True
    return DepthMap(nearness, face, 0.1, np.full((64, 64, 3), 200, np.uint8), ModelId("made:0"))


def test_the_picture_shows_crop_map_and_legend(drawn: DepthMap) -> None:
    picture = cv2.imdecode(np.frombuffer(depth_png(drawn), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    rgb = picture[..., ::-1]
    assert rgb.shape == (64, 64 + GAP_PX + 64 + GAP_PX + LEGEND_PX, 3)
    assert (rgb[:, :64] == 200).all()
    map_ = rgb[:, 64 + GAP_PX : 128 + GAP_PX].astype(int)
    assert (map_[5, 3] == 128).all()  # unknown is grey
    assert map_[5, 62, 0] > 200  # near is yellow
    assert map_[5, 62, 2] < 80
    assert (map_[16, 30] == 255).all()  # the outline of the face
    legend = rgb[:, -LEGEND_PX:].astype(int)
    assert legend[0, 0, 0] > legend[-1, 0, 0]
