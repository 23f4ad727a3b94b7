"""A voice beside the face, in a real browser whose microphone plays what a synthesiser said."""

import base64
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from facekey.wiring.voice import SPEAKER, SPEECH
from facekey.zoo.zoo import Zoo
from tests.e2e.web.camera import fitted
from tests.e2e.web.conftest import Environment, Launch, keep, staged
from tests.photos import Photos, decoded, encoded
from tests.voices import ALAN, BETTY, RATE_HZ, recording, resampled, speaking, wav

MICROPHONE_HZ = 48_000
CONNECTED = json.dumps({"status": "connected", "max_frame_bytes": 1_000_000, "max_frames_per_second": 30})
LIVE_MATCH = json.dumps({"status": "authenticated", "authenticated": True, "reason": "live_match"})


@pytest.fixture(scope="module")
def deployment(deployment: Environment, zoo: Zoo) -> Environment:
    """With voice switched on."""
    zoo.pull((SPEECH, SPEAKER))
    return {**deployment, "FACEKEY_VOICE": "on"}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone hears, again and again."""
    path = tmp_path_factory.mktemp("sounds") / "alan.wav"
    both = np.concatenate([speaking(ALAN, 0), speaking(ALAN, 1)])
    path.write_bytes(wav(resampled(both, RATE_HZ, MICROPHONE_HZ), rate_hz=MICROPHONE_HZ))
    return path


def let_in(socket: WebSocketRoute) -> None:
    """A live session that takes the first frame for enough."""
    socket.on_message(lambda _: socket.send(LIVE_MATCH))
    socket.send(CONNECTED)


def look(page: Page, still: str, *, until: str) -> None:
    """Show a face until there is such an element: a canvas gives a frame only when it is drawn."""
    for _ in range(200):
        page.evaluate("(frame) => window.showFrame(frame)", still)
        if page.locator(until).count():
            break
        page.wait_for_timeout(100)
    page.evaluate("(frame) => window.showFrame(frame)", still)


def record(page: Page, still: str | None = None) -> None:
    page.get_by_role("button", name="Start recording").click()
    done = page.get_by_role("button", name="Done")
    loud = "[role=meter][aria-valuenow]:not([aria-valuenow='0'])"
    page.wait_for_selector(loud, state="attached")
    expect(done).to_be_enabled()
    if still is not None:
        look(page, still, until="[data-voice] video")
    page.wait_for_timeout(1000)  # of the eight seconds, four or more are spoken by now
    done.click()


def test_a_voice_is_enrolled_and_asked_for_after_the_face(
    launch: Launch, url: str, spoken: Path, photos: Photos
) -> None:
    with launch(url, sound=spoken) as context:
        page = staged(context)
        page.goto("/enrol")
        page.get_by_label("User id").fill("alan")
        page.get_by_text("I have read this").click()
        page.get_by_role("button", name="Choose photos").click()
        files = [
            {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": image}
            for number, image in enumerate(photos.enrolment())
        ]
        page.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
        page.get_by_role("button", name="Register with").click(timeout=30_000)
        page.get_by_role("button", name="Add a voice, too").click(timeout=30_000)

        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("alert")).to_have_text("No voice is enrolled without this.")
        keep(page, "voice-consent")
        page.get_by_text("I have read this").click()
        page.get_by_role("button", name="Go on").click()
        for number in (1, 2, 3):
            expect(page.get_by_role("heading", name=f"Recording {number} of 3")).to_be_focused()
            if number == 1:
                keep(page, "voice-enrol")
            record(page)
        expect(page.get_by_role("heading", name="The voice is enrolled")).to_be_focused()
        kept = httpx.get(f"{url}/api/v1/users/alan/export", timeout=60).json()
        assert kept["voice"]["vectors"] == 3
        assert [one["purpose"] for one in kept["consents"]] == ["face_sign_in", "voice"]

        # What comes before is tested in test_sign_in.py; what follows is decided by the service again.
        page.route_web_socket("**/ws/*", let_in)
        page.goto("/sign-in")
        page.get_by_label("User id").fill("alan")
        page.get_by_role("button", name="Start the camera").click()
        face = decoded(photos.obama3)
        still = base64.b64encode(encoded(fitted(face[: 3 * face.shape[1] // 4]))).decode()
        look(page, still, until="[data-phase=voice]")
        expect(page.get_by_role("heading", name="Now your voice")).to_be_focused()
        look(page, still, until="[data-voice] video")
        keep(page, "voice-sign-in")
        record(page, still)
        page.wait_for_selector("[data-voice=accepted], [data-voice=refused], [role=alert]")
        keep(page, "voice-answer")
        expect(page.get_by_role("heading", name="Welcome, alan")).to_be_focused()
        expect(page.get_by_text("Face and voice were recognised.")).to_be_visible()
        assert page.locator("video").count() == 0

    # The same face with another voice, as the page would send it.
    sent = {"image": ("face.jpg", photos.obama3), "voice": ("voice.wav", recording(BETTY))}
    answer = httpx.post(f"{url}/api/v1/authenticate", data={"user_id": "alan"}, files=sent, timeout=60).json()
    assert (answer["authenticated"], answer["reason"]) == (False, "voice_no_match")
