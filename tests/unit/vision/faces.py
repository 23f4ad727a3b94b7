"""Stand-ins for networks and faces, so that the code around them can be tested exactly."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facekey.core.types import (
    Box,
    Crop,
    Detection,
    Embedding,
    FaceMesh,
    Floats,
    Frame,
    IdentityLayout,
    ModelId,
)
from facekey.vision.align import FIVE_POINTS
from facekey.zoo.onnx import OnnxSession

MODEL = ModelId("made:0")


def constant_network(
    input_shape: Sequence[int | str], outputs: Mapping[str, tuple[Sequence[int | str], NDArray[np.float32]]]
) -> OnnxSession:
    """A network that takes pictures and always says the same: name to (declared shape, value)."""
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value.astype(np.float32)))
        for name, (_, value) in outputs.items()
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, list(input_shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, (shape, _) in outputs.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return OnnxSession(model.SerializeToString(), model_id=MODEL)


def detection_at(
    x: float, y: float, width: float = 60.0, *, score: float = 0.99, landmarks: Floats | None = None
) -> Detection:
    """A frontal face whose box has its upper left corner there and is 4 : 3 high."""
    height = width * 4 / 3
    if landmarks is None:
        # In the template the face is 75 px wide, from 19 to 94, and begins 12 px down.
        landmarks = (FIVE_POINTS - (18.5, 12)) * (width / 75) + (x, y)
    return Detection(Box(x, y, x + width, y + height), landmarks.astype(np.float32), score, MODEL)


class FixedDetector:
    """Finds what a function says; keeps what it was shown."""

    def __init__(self, find: Callable[[Frame], list[Detection]]) -> None:
        self._find = find
        self.seen: list[Frame] = []

    def detect(self, frame: Frame) -> list[Detection]:
        """What the function says."""
        self.seen.append(frame)
        return self._find(frame)


class FixedLandmarker:
    """Always the same mesh."""

    def __init__(self, mesh: FaceMesh) -> None:
        self._mesh = mesh

    def mesh(self, frame: Frame, detection: Detection) -> FaceMesh:
        """The mesh."""
        return self._mesh


class MeanEmbedder:
    """A crop's mean colours as a vector."""

    def __init__(self, crop_px: int, name: str = "mean:0", layout: IdentityLayout = "identity") -> None:
        self.crop_px = crop_px
        self.layout = layout
        self.model_id = ModelId(name)
        self.calls = 0

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """One vector for each crop."""
        self.calls += 1
        assert all(crop.layout == self.layout and crop.pixels.shape[0] == self.crop_px for crop in crops)
        means = [crop.pixels.mean(axis=(0, 1)) + 1 for crop in crops]
        return [Embedding((m / np.linalg.norm(m)).astype(np.float32), self.model_id) for m in means]


class FixedLiveness:
    """Always the same score."""

    def __init__(self, score: float, name: str = "live:0") -> None:
        self.crop_px = 32
        self.model_id = ModelId(name)
        self._score = score
        self.calls = 0

    def score(self, crops: Sequence[Crop]) -> list[float]:
        """The score for each crop."""
        self.calls += 1
        assert all(crop.layout == "context" and crop.pixels.shape == (32, 32, 3) for crop in crops)
        return [self._score] * len(crops)
