"""The picture that is timed: 640 x 480, one face, as a webcam gives it."""

from pathlib import Path

import cv2
import httpx

from facekey.settings import default_models_dir
from facekey.zoo.samples import load_samples, pull_samples
from facekey.zoo.zoo import default_cards_dir
from tests.photos import shots

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


def enrolment() -> list[bytes]:
    """Five photos of the person in `obama.jpg`, from two occasions, as a camera would take them in a row."""
    photos = sample_photos()
    return [*shots(photos["obama.jpg"].read_bytes(), 3), *shots(photos["obama2.jpg"].read_bytes(), 2)]


def enrol(client: httpx.Client, user_id: str) -> None:
    """Register the person of `enrolment`, so that requests can be accepted and no limit is met.

    Raises:
        RuntimeError: they can't be.
    """
    files = [("images", photo) for photo in enrolment()]
    answer = client.post("/api/v1/register", data={"user_id": user_id}, files=files, timeout=60)
    if not answer.is_success:
        raise RuntimeError(f"the person can't be registered: {answer.text}")
