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


class Teachers:
    """All teachers of a folder, asked together."""

    def __init__(self, folder: Path) -> None:
        """Load them.

        Raises:
            ModelError: there is none that is known.
        """
        self._teachers = []
        for path in sorted(folder.glob("*.onnx")):
            data = path.read_bytes()
            known = KNOWN.get(hashlib.sha256(data).hexdigest())
            if known is not None:
                self._teachers.append(_Teacher(known, data))
        if not self._teachers:
            raise ModelError(f"{folder} holds no teacher that is known: see training/teachers.py")

    @property
    def names(self) -> tuple[str, ...]:
        """Who teaches, in the order of the answers."""
        return tuple(teacher.known.name for teacher in self._teachers)

    def answers(self, pixels: Pixels) -> Floats:
        """What they say: (N, S, S, 3) uint8 RGB -> (N, T) float32, logits and inner features."""
        return np.concatenate([teacher.answers(pixels) for teacher in self._teachers], axis=1)


class _Teacher:
    def __init__(self, known: Known, data: bytes) -> None:
        self.known = known
        self._session = OnnxSession(_with_features(data), model_id=ModelId(known.name), threads=1)
        batch, _, self._side, _ = self._session.inputs[0].shape
        self._one_by_one = batch == 1

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
