"""The picture that is timed: 640 x 480, one face, as a webcam gives it."""

from pathlib import Path

import cv2

from facekey.settings import default_models_dir
from facekey.zoo.samples import load_samples, pull_samples
from facekey.zoo.zoo import default_cards_dir

WIDTH, HEIGHT = 640, 480
JPEG_QUALITY = 90


def sample_photos() -> dict[str, Path]:
    """The public photos by name."""
    folder = default_models_dir().parent / "samples"
    return {path.name: path for path in pull_samples(load_samples(default_cards_dir()), folder)}


def webcam_jpeg(photo: Path) -> bytes:
    """The upper part of a portrait, cut to a webcam's shape."""
    picture = cv2.imread(str(photo))
    height, width = picture.shape[:2]
    cut = picture[: min(height, width * HEIGHT // WIDTH)]
    small = cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError("the picture can't be encoded")
    return data.tobytes()
