"""Teachers: published spoof detectors whose inner features the student learns to foresee.

A few thousand pictures of a few dozen people can't teach what a spoof looks like on a
camera nobody has seen; networks that learned from hundreds of thousands have an idea of
it. They are asked about every picture in the very form in which the student sees it
(Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; Beyer et al.,
"Knowledge distillation: A good teacher is patient and consistent", CVPR 2022). What they
answer is needed for training only; nothing of them is in what ships.

Paper:    MiniFASNet: Minivision, "Silent-Face-Anti-Spoofing", 2020; the MobileNet-like
          one: hairymax, "Face-AntiSpoofing", trained on CelebA-Spoof
Input:    as the table below says
Output:   class logits, and what the last layer makes them from
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from facekey.core.errors import ModelError
from facekey.core.types import Floats, ModelId, Pixels
from facekey.zoo.onnx import OnnxSession

LINEAR = ("Gemm", "MatMul")


@dataclass(frozen=True, slots=True)
class Known:
    """How one published file wants its pictures: (N, 3, side, side) float32 of `colours` x `scale`."""

    name: str
    colours: str
    scale: float


KNOWN = {
    "1cb9e5861108cd9732373002e6652945613a6c3ec76705604a9e258c879cb032": Known("minifasnet_v2", "BGR", 1.0),
    "d6bb19c17be302c9cc732fca8380987bd088e3459669c31bc1d9c51311582a13": Known("minifasnet_v1se", "BGR", 1.0),
    "e4270976c952bcbc11dea79041b5efd30e4301f09c9da2282c9f4161d43f66e5": Known("hairymax", "RGB", 1 / 255),
}
"""The files that are known, by their SHA-256; others in the folder are passed over."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where one teacher's answers stand: its class logits, then its inner features."""

    start: int
    classes: int
    features: int

    @property
    def inner(self) -> NDArray[np.intp]:
        """The columns of the inner features."""
        return np.arange(self.start + self.classes, self.start + self.classes + self.features)

    @property
    def all(self) -> NDArray[np.intp]:
        """All of its columns."""
        return np.arange(self.start, self.start + self.classes + self.features)


class Teachers:
    """All teachers of a folder, asked together."""

    def __init__(self, folder: Path) -> None:
        """Load them.

        Raises:
            ModelError: there is none that is known.
        """
        self._teachers = [
            _Teacher(next(known for known in KNOWN.values() if known.name == name), data)
            for name, data in published(folder).items()
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Who teaches, in the order of the answers."""
        return tuple(teacher.known.name for teacher in self._teachers)

    @property
    def columns(self) -> dict[str, "Columns"]:
        """Where each one's answers stand among all."""
        found, start = {}, 0
        for teacher in self._teachers:
            found[teacher.known.name] = Columns(start, teacher.classes, teacher.inner)
            start += teacher.classes + teacher.inner
        return found

    def answers(self, pixels: Pixels) -> Floats:
        """What they say: (N, S, S, 3) uint8 RGB -> (N, T) float32, logits and inner features."""
        return np.concatenate([teacher.answers(pixels) for teacher in self._teachers], axis=1)


def published(folder: Path) -> dict[str, bytes]:
    """The known files of a folder by the names they are known by.

    Raises:
        ModelError: there is none.
    """
    found = {}
    for path in sorted(folder.glob("*.onnx")):
        data = path.read_bytes()
        known = _known(data)
        if known is not None:
            found[known.name] = data
    if not found:
        raise ModelError(f"{folder} holds no published network that is known: see training/teachers.py")
    return found


def _known(data: bytes) -> Known | None:
    return KNOWN.get(hashlib.sha256(data).hexdigest())


class _Teacher:
    def __init__(self, known: Known, data: bytes) -> None:
        self.known = known
        self._session = OnnxSession(_with_features(data), model_id=ModelId(known.name), threads=1)
        batch, _, self._side, _ = self._session.inputs[0].shape
        self._one_by_one = batch == 1
        probe = np.zeros((1, self._side, self._side, 3), np.uint8)
        self.classes = self._session.outputs[0].shape[1] or 0
        self.inner = self.answers(probe).shape[1] - self.classes

    def answers(self, pixels: Pixels) -> Floats:
        if self._one_by_one:
            return np.concatenate([self._ask(pixels[place : place + 1]) for place in range(len(pixels))])
        return self._ask(pixels)

    def _ask(self, pixels: Pixels) -> Floats:
        side = (self._side, self._side)
        scaled = np.stack([cv2.resize(picture, side, interpolation=cv2.INTER_AREA) for picture in pixels])
        if self.known.colours == "BGR":
            scaled = scaled[..., ::-1]
        given = np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32) * np.float32(self.known.scale)
        return np.concatenate(self._session.run(given), axis=1)


def _with_features(data: bytes) -> bytes:
    """The network with one more output: what its last linear layer makes the logits from."""
    model = onnx.load_from_string(data)
    last = next(node for node in reversed(model.graph.node) if node.op_type in LINEAR)
    model.graph.output.append(helper.make_tensor_value_info(last.input[0], TensorProto.FLOAT, None))
    return model.SerializeToString()
