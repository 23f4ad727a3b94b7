"""The product's own networks that training needs: they find the faces and tell whose they are."""

from pathlib import Path

from facekey.vision.detect.retinaface import RetinaFace
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.zoo.zoo import Zoo
from training.data.crops import Networks

DETECTOR, EMBEDDER = "retinaface", "mobilefacenet"


def open_networks(models_dir: Path) -> Networks:
    """Open them from the cache of networks; what is missing is fetched first.

    Raises:
        ModelUnavailable: one is not there and can't be fetched.
    """
    zoo = Zoo(cache_dir=models_dir)
    missing = [name for name in (DETECTOR, EMBEDDER) if not zoo.status(name).installed]
    if missing:
        zoo.pull(missing)
    return Networks(RetinaFace(zoo.open(DETECTOR)), mobilefacenet_embedder(zoo.open(EMBEDDER)))
