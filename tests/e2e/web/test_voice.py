"""A voice beside the face, in a real browser whose microphone plays what a synthesiser said."""

import base64
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from facekey.wiring.voice import SPEAKER, SPEECH
from facekey.zoo.zoo import Zoo
from tests.actor import Actor
from tests.e2e.web.camera import act
from tests.e2e.web.conftest import Environment, Launch, keep, staged
from tests.photos import Photos, encoded
from tests.puppet import Puppet
from tests.voices import ALAN, BETTY, RATE_HZ, recording, resampled, speaking, wav

MICROPHONE_HZ = 48_000


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


def record(page: Page) -> None:
    page.get_by_role("button", name="Start recording").click()
    done = page.get_by_role("button", name="Done")
    expect(done).to_be_enabled()
    meter = page.get_by_role("meter", name="How loud it is")
    page.wait_for_timeout(1500)
    assert int(meter.get_attribute("aria-valuenow") or 0) > 20
    done.click()


def test_a_voice_is_enrolled_and_asked_for_after_the_face(
    launch: Launch, url: str, spoken: Path, photos: Photos, puppet: Puppet
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

        page.goto("/sign-in")
        page.get_by_label("User id").fill("alan")
        page.get_by_role("button", name="Start the camera").click()
        actor = Actor(puppet)
        act(page, actor, until="[data-phase=voice], [data-phase=refused]")
        expect(page.get_by_role("heading", name="Now your voice")).to_be_focused()
        still = base64.b64encode(encoded(puppet.picture)).decode()
        page.evaluate("(frame) => window.showFrame(frame)", still)
        page.wait_for_selector("video")
        keep(page, "voice-sign-in")
        record(page)
        page.wait_for_selector("[data-voice=accepted], [data-voice=refused], [role=alert]")
        keep(page, "voice-answer")
        expect(page.get_by_role("heading", name="Welcome, alan")).to_be_focused()
        expect(page.get_by_text("Face and voice were recognised.")).to_be_visible()
        assert page.locator("video").count() == 0

    # The same face with another voice, as the page would send it.
    sent = {"image": photos.obama3, "voice": ("voice.wav", recording(BETTY))}
    answer = httpx.post(f"{url}/api/v1/authenticate", data={"user_id": "alan"}, files=sent, timeout=60).json()
    assert (answer["authenticated"], answer["reason"]) == (False, "voice_no_match")
