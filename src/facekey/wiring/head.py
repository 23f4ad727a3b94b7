"""The authentication heads that come with FaceKey: the trained one, and the documented example."""

import json
from pathlib import Path

import numpy as np

from facekey.core.errors import ModelError
from facekey.core.head import Head, HeadInput
from facekey.zoo.zoo import default_cards_dir

TRAINED, DOCUMENTED = "head.json", "head_documented.json"


def load_head(path: Path | None = None) -> Head:
    """The trained authentication head, or another file's.

    Raises:
        ModelError: the file is not one.
    """
    path = default_cards_dir() / "weights" / TRAINED if path is None else path
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        first, second, third = (
            (np.array(weight, dtype=np.float32), np.array(bias, dtype=np.float32))
            for weight, bias in zip(values["weights"], values["biases"], strict=True)
        )
        return Head((first[0], second[0], third[0]), (first[1], second[1], third[1]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} is no authentication head: {error}") from error


def load_documented_example() -> tuple[Head, HeadInput]:
    """The example of the documentation: made-up weights, and the input that its trace is for.

    Raises:
        ModelError: the file is not one.
    """
    path = default_cards_dir() / "weights" / DOCUMENTED
    try:
        given = HeadInput(**json.loads(path.read_text(encoding="utf-8"))["input"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} is no example of a head: {error}") from error
    return load_head(path), given
