"""The face detector that training pictures are cut with: the product's own RetinaFace."""

from pathlib import Path

from facekey.vision.detect.retinaface import RetinaFace
from facekey.zoo.zoo import Zoo

NAME = "retinaface"


def retinaface(models_dir: Path) -> RetinaFace:
    """Open it from the cache of networks, and fetch it first where it is missing.

    Raises:
        ModelUnavailable: it is not there and can't be fetched.
    """
    zoo = Zoo(cache_dir=models_dir)
    if not zoo.status(NAME).installed:
        zoo.pull([NAME])
    return RetinaFace(zoo.open(NAME))
