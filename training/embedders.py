"""Recognition networks as training sees them: crops to vectors whose length is kept.

Those with a card come from the zoo. Published networks that FaceKey doesn't hand out can be
measured beside them: their files are read from a folder, by the names below.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekey.core.errors import ModelUnavailable
from facekey.core.types import Floats, IdentityLayout, ModelId, Pixels
from facekey.wiring.vision import EMBEDDERS
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo

NARROW = slice(8, 104)  # of 112 columns: the crop of 96 that SphereFace introduced


@dataclass(frozen=True, slots=True)
class Network:
    """One network.

    Attributes:
        crop_px: side of its crops.
        raw: (N, S, S, 3) uint8 RGB crops to (N, D) float32 vectors, not normalised.
    """

    model: ModelId
    crop_px: int
    layout: IdentityLayout
    raw: Callable[[Pixels], Floats]

    @property
    def name(self) -> str:
        """Without the hash."""
        return self.model.partition(":")[0]


def _plain(crops: Pixels) -> Floats:
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)


def _narrow(crops: Pixels) -> Floats:
    return np.asarray((_plain(crops[:, :, NARROW]) - 127.5) / 128.0, np.float32)


PUBLISHED: Mapping[str, Callable[[Pixels], Floats]] = {
    "mobilefacenet_y1": _plain,
    "mobilefacenet_casia": _narrow,
}
"""Networks without a card, of 112 px crops, with what each makes of them before its first layer."""


def open_networks(zoo: Zoo, names: Sequence[str], folder: Path | None) -> list[Network]:
    """Open networks by name; none given means every one that is there.

    Args:
        zoo: has those with cards.
        names: of cards or of `PUBLISHED`.
        folder: has `<name>.onnx` for those without cards.

    Raises:
        ModelUnavailable: one is not there, or there is none at all.
    """
    there = [name for name in EMBEDDERS if zoo.status(name).installed]
    there += [name for name in PUBLISHED if folder is not None and (folder / f"{name}.onnx").is_file()]
    wanted = list(names) or there
    missing = [name for name in wanted if name not in there]
    if missing or not wanted:
        raise ModelUnavailable(", ".join(missing) or "recognition", f"there are {', '.join(there) or 'none'}")
    return [_from_zoo(zoo, name) if name in EMBEDDERS else _published(name, folder) for name in wanted]


def _from_zoo(zoo: Zoo, name: str) -> Network:
    session = zoo.open(name)
    adapter = EMBEDDERS[name](session)
    return Network(
        adapter.model_id, adapter.crop_px, adapter.layout, lambda crops: np.asarray(session.run(crops)[0])
    )


def _published(name: str, folder: Path | None) -> Network:
    content = ((folder or Path()) / f"{name}.onnx").read_bytes()
    model = ModelId(f"{name}:{hashlib.sha256(content).hexdigest()[:12]}")
    session, prepare = OnnxSession(content, model_id=model), PUBLISHED[name]
    return Network(model, 112, "identity", lambda crops: np.asarray(session.run(prepare(crops))[0]))
