"""Where voice is off, as it is by default, nothing of it can be used."""

from pathlib import Path

import httpx
import pytest

from facekey.core.errors import ModelUnavailable
from facekey.settings import Settings
from facekey.wiring.voice import open_listener
from facekey.zoo.zoo import Zoo
from tests.api.conftest import problem
from tests.photos import Photos
from tests.voices import recording


async def test_every_way_is_closed(client: httpx.AsyncClient, photos: Photos) -> None:
    info = (await client.get("/api/v1/system/info")).json()
    assert info["voice"] is False
    networks = [one for one in info["models"] if one["task"] in {"speech", "speaker"}]
    assert [one["in_use"] for one in networks] == [False, False]
    sound, user = recording(), {"user_id": "anybody"}
    enrolment = [("recordings", (f"{number}.wav", sound)) for number in range(3)]
    beside = {"image": ("face.jpg", photos.obama), "voice": ("voice.wav", sound)}
    for answer in (
        await client.post("/api/v1/voice/enrol", data=user, files=enrolment),
        await client.post("/api/v1/voice/verify", data=user, files={"recording": sound}),
        await client.delete("/api/v1/voice/anybody"),
        await client.post("/api/v1/authenticate", data=user, files=beside),
    ):
        problem(answer, 422, "voice_off")


def test_without_its_networks_it_says_what_to_run(tmp_path: Path, settings: Settings) -> None:
    assert settings.voice == "off"
    with pytest.raises(ModelUnavailable, match="facekey models pull speech_silero speaker_ge2e"):
        open_listener(Zoo(cache_dir=tmp_path))
