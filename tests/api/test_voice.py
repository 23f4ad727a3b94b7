"""Voices over HTTP: the real application, the real networks, made-up speakers."""

from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from asgi_lifespan import LifespanManager

from facekey.api.app import create_app
from facekey.core.types import Reason
from facekey.settings import Settings
from facekey.wiring.service import open_service
from facekey.wiring.voice import SPEAKER, SPEECH
from facekey.zoo.zoo import Zoo
from tests.api.conftest import Answer, authenticate, problem, register
from tests.photos import Photos
from tests.voices import ALAN, BETTY, RATE_HZ, music, recording, resampled, speaking, wav, wav_header

ENROL, VERIFY = "/api/v1/voice/enrol", "/api/v1/voice/verify"


@pytest.fixture
def settings(settings: Settings, zoo: Zoo) -> Settings:
    zoo.pull((SPEECH, SPEAKER))
    return settings.model_copy(update={"voice": "on"})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(open_service(settings), max_image_bytes=settings.max_image_bytes)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234), raise_app_exceptions=False)
    async with (
        LifespanManager(app, startup_timeout=60),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as opened,
    ):
        yield opened


async def enrol(client: httpx.AsyncClient, user_id: str, recordings: list[bytes], **form: str) -> Answer:
    files = [("recordings", (f"{number}.wav", sound)) for number, sound in enumerate(recordings)]
    return await client.post(ENROL, data={"user_id": user_id, **form}, files=files)


async def verify(client: httpx.AsyncClient, user_id: str, sound: bytes) -> Answer:
    return await client.post(VERIFY, data={"user_id": user_id}, files={"recording": sound})


async def sign_in(client: httpx.AsyncClient, user_id: str, image: bytes, sound: bytes) -> dict[str, object]:
    files = {"image": ("face.jpg", image), "voice": ("voice.wav", sound)}
    answer = await client.post("/api/v1/authenticate", data={"user_id": user_id}, files=files)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


async def test_a_day_of_a_voice(client: httpx.AsyncClient, photos: Photos) -> None:
    """Enrolled, verified, beside a face, exported, forgotten."""
    assert (await client.get("/api/v1/system/info")).json()["voice"] is True
    own = [recording(ALAN, number) for number in range(3)]
    problem(await enrol(client, "alan", own), 404, "user_unknown")
    assert (await register(client, "alan", photos.enrolment())).status_code == 200
    enrolled = (await enrol(client, "alan", own, consent_text_version="7")).json()
    assert (enrolled["success"], enrolled["recordings_processed"], enrolled["valid_recordings"]) == (
        True,
        3,
        3,
    )
    assert all(one["accepted"] and one["speech_seconds"] > 2 for one in enrolled["recordings"])

    mine = (await verify(client, "alan", recording(ALAN, 3))).json()
    assert "authenticated" not in mine
    assert (mine["voice_match"], mine["reason"], mine["advice"]) == (True, "voice_match", None)
    assert mine["score"] >= mine["threshold"]
    for who in ("alan", "nobody"):
        other = (await verify(client, who, recording(BETTY, 3))).json()
        assert (other["voice_match"], other["reason"]) == (False, "voice_no_match")
        assert other["score"] < other["threshold"]

    face = photos.obama3
    alone = (await authenticate(client, "alan", face)).json()
    assert (alone["authenticated"], alone["voice"]) == (True, None)
    both = await sign_in(client, "alan", face, recording(ALAN, 3))
    assert both["authenticated"] is True
    assert isinstance(both["voice"], dict)
    assert both["voice"]["reason"] == "voice_match"
    assert both["voice"]["fused"] > both["confidence"]
    another = await sign_in(client, "alan", face, recording(BETTY, 3))
    assert (another["authenticated"], another["reason"]) == (False, "voice_no_match")
    stranger = await sign_in(client, "alan", photos.biden, recording(ALAN, 3))
    assert (stranger["authenticated"], stranger["reason"]) == (False, "no_match")
    assert stranger["voice"] == {
        "reason": "voice_not_compared",
        "score": None,
        "threshold": both["voice"]["threshold"],
        "fused": None,
    }

    told = (await client.get("/api/v1/users/alan/export")).json()
    assert (told["voice"]["vectors"], told["consents"][0]["purpose"]) == (3, "voice")
    assert (await client.delete("/api/v1/voice/alan")).json()["had_voice"] is True
    assert (await client.delete("/api/v1/voice/alan")).json()["had_voice"] is False
    after = await sign_in(client, "alan", face, recording(BETTY, 3))
    assert after["authenticated"] is True
    assert isinstance(after["voice"], dict)
    assert after["voice"]["reason"] == "voice_not_enrolled"
    problem(await client.delete("/api/v1/voice/nobody"), 404, "user_unknown")
    metrics = (await client.get("/metrics")).text
    assert (
        'facekey_decisions_total{action="verify_voice",outcome="accept",reason="voice_match"} 1.0' in metrics
    )
    assert 'stage="voice"' in metrics


NOISE = (0.05 * np.random.default_rng(1).normal(size=4 * RATE_HZ)).astype(np.float32)
FLAC = wav(NOISE, kind="FLAC")
UNREADABLE = [
    ("empty", b"", 422, "audio_empty"),
    ("text called .wav", b"I am a recording, believe me." * 20, 415, "audio_format_unsupported"),
    ("FLAC that is cut off", FLAC[: len(FLAC) // 2], 422, "audio_corrupt"),
    ("a huge declared length", wav_header(declared_bytes=0x7FFFFF00) + bytes(64), 422, "audio_corrupt"),
    ("10 channels", wav(np.zeros((4000, 10), np.float32)), 422, "audio_channels_unsupported"),
    ("4 kHz", wav(NOISE, rate_hz=4000), 422, "audio_sample_rate_unsupported"),
    ("NaN", wav(np.full(RATE_HZ, np.nan, np.float32), codec="FLOAT"), 422, "audio_not_finite"),
    ("a minute", wav(np.zeros(31 * RATE_HZ, np.float32), kind="FLAC"), 413, "audio_too_long"),
]
UNFIT = [
    ("0.1 s", wav(speaking(ALAN)[8000:9600]), Reason.VOICE_TOO_SHORT),
    ("silence", wav(np.zeros(4 * RATE_HZ, np.float32)), Reason.VOICE_SILENT),
    ("music", wav(music(seed=2)), Reason.VOICE_NOT_HEARD),
    ("noise", wav(NOISE), Reason.VOICE_NOT_HEARD),
]


async def test_what_is_no_recording_or_no_voice(client: httpx.AsyncClient, photos: Photos) -> None:
    """Each is a clear answer, and nothing is written of any."""
    await register(client, "alan", photos.enrolment())
    good = [recording(ALAN, number) for number in range(2)]
    for name, sound, status, code in UNREADABLE:
        for answer in (
            await verify(client, "alan", sound),
            await enrol(client, "alan", [*good, sound]),
            await client.post(
                "/api/v1/authenticate",
                data={"user_id": "alan"},
                files={"image": photos.obama3, "voice": ("voice.wav", sound)},
            ),
        ):
            told = problem(answer, status, code)
            assert told["detail"], name
    for name, sound, reason in UNFIT:
        answer = (await verify(client, "alan", sound)).json()
        assert (answer["voice_match"], answer["reason"], answer["score"]) == (False, reason, None), name
        assert answer["advice"], name
        refused = problem(await enrol(client, "alan", [*good, sound]), 422, "voice_unfit")
        assert refused["samples"][2]["reason"] == reason, name  # type: ignore[index]
        both = await sign_in(client, "alan", photos.obama3, sound)
        assert (both["authenticated"], both["reason"], both["confidence"]) == (False, reason, None), name
    assert (await client.get("/api/v1/users/alan/export")).json()["voice"] is None


async def test_telephones_and_stereo(client: httpx.AsyncClient, photos: Photos) -> None:
    """8 kHz does for a comparison and not for an enrolment; two channels are mixed down."""
    await register(client, "alan", photos.enrolment())
    spoken = [speaking(ALAN, number) for number in range(4)]
    narrow = [wav(resampled(one, RATE_HZ, 8000), rate_hz=8000) for one in spoken]
    refused = problem(await enrol(client, "alan", narrow[:3]), 422, "voice_unfit")
    assert [one["reason"] for one in refused["samples"]] == ["voice_telephone"] * 3  # type: ignore[attr-defined]
    both = [wav(np.stack([one, one], axis=1)) for one in spoken]
    assert (await enrol(client, "alan", both[:3])).status_code == 200
    assert (await verify(client, "alan", both[3])).json()["voice_match"] is True
    assert (await verify(client, "alan", narrow[3])).json()["score"] is not None


async def test_requests_that_can_not_be_used(client: httpx.AsyncClient) -> None:
    for count in (1, 2, 11):
        problem(await enrol(client, "alan", [recording(ALAN)] * count), 422, "recording_count_invalid")
    own = [recording(ALAN)] * 3
    for form in (
        {"consent_expires_at": "2030-01-01T00:00:00Z"},
        {"consent_text_version": "1", "consent_expires_at": "2020-01-01T00:00:00Z"},
        {"consent_text_version": " "},
    ):
        problem(await enrol(client, "alan", own, **form), 422, "consent_invalid")
    problem(await enrol(client, "no spaces", own), 422, "user_id_invalid")
