"""The weights of the liveness fusion, read from the file that training wrote.

Read as strictly as a model card: an unknown key, a missing one or a wrong type is refused.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from facekey.core.calibration import Birth
from facekey.core.errors import ModelError
from facekey.core.liveness import LivenessFusion, PartWeight
from facekey.zoo.zoo import default_cards_dir

FILE = "liveness_fusion.json"


@dataclass(frozen=True, slots=True)
class FusionFile:
    """What the file holds.

    Attributes:
        fusion: how parts combine.
        parallax_model: the method that the next two were measured with.
        parallax_slope: of Platt's calibration of parallax, which has no card of its own.
        parallax_intercept: of the same.
    """

    fusion: LivenessFusion
    parallax_model: str
    parallax_slope: float
    parallax_intercept: float


def read_fusion(path: Path | None = None) -> FusionFile:
    """Read the weights that come with FaceKey, or another file.

    Raises:
        ModelError: the file is not one.
    """
    path = default_cards_dir() / "weights" / FILE if path is None else path
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} holds no weights of a liveness fusion: {error}") from error


def _read(values: dict[str, Any]) -> FusionFile:
    born, parallax = dict(values.pop("born")), dict(values.pop("parallax"))
    birth = Birth(**{**born, "date": date.fromisoformat(born["date"])})
    weights = {str(name): PartWeight(**numbers) for name, numbers in values.pop("parts").items()}
    fusion = LivenessFusion(weights, float(values.pop("bias")), float(values.pop("threshold")), birth)
    file = FusionFile(
        fusion,
        parallax_model=str(parallax.pop("model")),
        parallax_slope=float(parallax.pop("slope")),
        parallax_intercept=float(parallax.pop("intercept")),
    )
    if values or parallax:
        raise ValueError(f"unknown keys {', '.join([*values, *parallax])}")
    return file
