"""How usable one photo is: with the real networks, and nothing kept."""

import cv2
import httpx
import numpy as np
import pytest

from facekey.settings import Settings
from tests.api.conftest import problem
from tests.api.test_main_job import actions
from tests.photos import Photos, decoded, encoded, on_a_screen

SCORES = ("overall", "sharpness", "brightness", "contrast", "occlusion")


async def assess(client: httpx.AsyncClient, image: bytes) -> httpx.Response:
    return await client.post("/api/v1/assess", files={"image": image})


def darkened(photo: bytes) -> bytes:
    return encoded(cv2.convertScaleAbs(decoded(photo), alpha=0.2))


async def test_a_good_photo(client: httpx.AsyncClient, photos: Photos, settings: Settings) -> None:
    body = (await assess(client, photos.obama)).json()
    assert body.keys() == {"usable", "reason", "advice", "quality", "face"}, "and no liveness"
    assert (body["usable"], body["reason"], body["advice"]) == (True, None, None)
    assert set(body["quality"]) == {*SCORES, "yaw_deg", "pitch_deg", "roll_deg", "face_px"}
    assert all(0.0 <= body["quality"][score] <= 1.0 for score in SCORES)
    left, upper, right, lower = body["face"]
    height, width = decoded(photos.obama).shape[:2]
    assert 0.0 < left < right < 1.0
    assert 0.0 < upper < lower < 1.0
    drawn = min((right - left) * width, (lower - upper) * height)
    assert drawn / body["quality"]["face_px"] == pytest.approx(
        round(drawn / body["quality"]["face_px"]), rel=0.05
    )
    assert await actions(settings) == [], "nothing is on record"
    # A spoof is answered like a photo: who tries out how to pass learns nothing here.
    spoof = (await assess(client, on_a_screen(photos.obama))).json()
    assert spoof.keys() == body.keys()
    assert spoof["quality"].keys() == body["quality"].keys()


async def test_photos_that_need_something(client: httpx.AsyncClient, photos: Photos) -> None:
    dark = (await assess(client, darkened(photos.obama))).json()
    assert (dark["usable"], dark["reason"]) == (False, "too_dark")
    assert "light" in dark["advice"]
    assert dark["quality"]["brightness"] < 0.5
    assert len(dark["face"]) == 4
    nobody = (await assess(client, encoded(np.full((480, 640, 3), 127, np.uint8), ".png"))).json()
    assert nobody == {
        "usable": False,
        "reason": "no_face",
        "advice": "Bring your face into the picture.",
        "quality": None,
        "face": None,
    }


async def test_files_that_are_no_photo(client: httpx.AsyncClient, photos: Photos) -> None:
    problem(await assess(client, photos.obama[: len(photos.obama) // 2]), 422, "image_corrupt")
    problem(await assess(client, b"I am a picture, believe me." * 20), 415, "image_format_unsupported")
    problem(await client.post("/api/v1/assess"), 422, "request_invalid")
