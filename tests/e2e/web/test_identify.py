"""Identifying: somebody known, somebody unknown, and what can't be told."""

import base64
import re
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect

from facekey.zoo.zoo import Zoo
from tests.e2e.web.conftest import PHONE, Launch, keep, staged
from tests.photos import Photos, encoded, on_a_screen
from tests.puppet import Puppet, make_puppet

FRAME_S = 1 / 10
PATIENCE_S = 30.0

SHOW = """async (frame) => {
  await window.showFrame(frame);
  return document.querySelector("main").innerText;
}"""


@pytest.fixture(scope="module")
def alice(url: str, photos: Photos) -> str:
    """The only one who is enrolled."""
    files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(photos.enrolment())]
    answer = httpx.post(f"{url}/api/v1/register", data={"user_id": "alice"}, files=files, timeout=60)
    answer.raise_for_status()
    return "alice"


@pytest.fixture
def somebody(zoo: Zoo, photos: Photos, puppet: Puppet, known: bool) -> Puppet:
    """Who stands before the camera: the one who is enrolled, or another."""
    return puppet if known else make_puppet(photos.biden, zoo)


def photo(content: bytes) -> FilePayload:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}


def give(page: Page, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files([photo(content)])


def other(page: Page) -> None:
    page.get_by_role("button", name="Another photo").click()


def face(page: Page, puppet: Puppet, *, until: str) -> None:
    """Look into the camera until the page says so."""
    began_s, number, said = time.monotonic(), 0, ""
    while until not in said:
        now_s = time.monotonic()
        assert now_s - began_s < PATIENCE_S, f"nothing came of it: {said}"
        number += 1
        said = page.evaluate(SHOW, base64.b64encode(puppet.frame(seed=number)).decode())
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - now_s)))


def test_where_nobody_is_enrolled(launch: Launch, url: str, photos: Photos) -> None:
    # Before `alice` is asked for; on a service that has people this would say something else.
    for person in httpx.get(f"{url}/api/v1/users", timeout=60).json()["users"]:
        httpx.delete(f"{url}/api/v1/users/{person['user_id']}", timeout=60).raise_for_status()
    with launch(url) as context:
        page = context.new_page()
        page.goto("/identify")
        give(page, photos.obama3)
        expect(page.get_by_role("heading", name="Nobody is enrolled yet")).to_be_visible()
        page.get_by_role("link", name="Enrol somebody").click()
        expect(page).to_have_url(re.compile("/enrol$"))


def test_photos_of_somebody_known_and_of_others(
    launch: Launch, url: str, alice: str, photos: Photos, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(photos.obama + bytes(40 * 2**20 - len(photos.obama)))
    with launch(url) as context:
        page = context.new_page()
        page.goto("/identify")
        give(page, photos.obama3)
        expect(page.get_by_role("heading", name=f"This is {alice}")).to_be_visible()
        expect(page.get_by_text("Compared with 1 enrolled person.")).to_be_visible()
        sure = page.get_by_role("meter", name=f"Confidence, {alice}")
        assert float(sure.get_attribute("aria-valuenow") or 0) > 0.65
        keep(page, "identify-known")

        other(page)
        give(page, photos.biden)
        expect(page.get_by_role("heading", name="Unknown")).to_be_visible()
        expect(page.get_by_role("meter")).to_have_count(0)
        keep(page, "identify-unknown")

        other(page)
        give(page, on_a_screen(photos.obama3))
        expect(page.get_by_role("heading", name="Not taken for a live person")).to_be_visible()

        other(page)
        give(page, encoded(np.full((480, 640, 3), 150, np.uint8)))
        expect(page.get_by_role("heading", name="This photo can't be judged")).to_be_visible()
        expect(page.get_by_text("Bring your face into the picture.")).to_be_visible()

        other(page)
        for content, says in (
            (b"%PDF-1.7\n" + bytes(200), "This is a PDF, not a photo."),
            (b"\0\0\0\x18ftypheic" + bytes(200), "This is a HEIC photo"),
            (b"", "This file is empty."),
        ):
            give(page, content)
            expect(page.get_by_role("alert")).to_contain_text(says)
        page.locator("input[type=file]").set_input_files([huge])
        expect(page.get_by_role("alert")).to_contain_text("a photo may have 12.6 MB")
        keep(page, "identify-bad-file")

        # A file that begins like a photo is judged by the service; then another one can be tried.
        give(page, photos.obama[:3000])
        expect(page.get_by_role("alert")).to_contain_text("The picture is damaged or incomplete.")
        keep(page, "identify-cut-off")
        other(page)
        give(page, photos.obama3)
        expect(page.get_by_role("link", name=alice)).to_be_visible()
        page.get_by_role("link", name=alice).click()
        expect(page).to_have_url(re.compile(f"/people/{alice}$"))


def test_a_service_that_can_not_answer_now(launch: Launch, url: str, alice: str, photos: Photos) -> None:
    with launch(url) as context:
        page = context.new_page()
        page.goto("/identify")
        page.route(
            "**/api/v1/identify",
            lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}),
            times=1,
        )
        give(page, photos.obama3)
        expect(page.get_by_role("alert")).to_contain_text("FaceKey is busy or still starting.")
        again = page.get_by_role("button", name="Try again", exact=True)
        again.click()  # when it may be pressed
        expect(page.get_by_role("heading", name=f"This is {alice}")).to_be_visible()


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_the_camera(launch: Launch, url: str, alice: str, somebody: Puppet, known: bool) -> None:
    with launch(url, size=PHONE) as context:
        page = staged(context)
        page.goto("/identify")
        assert page.locator("video").count() == 0
        page.get_by_role("button", name="Use the camera").click()
        face(page, somebody, until="Good. Take the photo")
        keep(page, f"identify-camera-{'known' if known else 'unknown'}")
        track = page.evaluate_handle("document.querySelector('video').srcObject.getTracks()[0]")
        page.get_by_role("button", name="Take the photo").click()
        says = f"This is {alice}" if known else "Unknown"
        expect(page.get_by_role("heading", name=says)).to_be_visible()
        assert track.evaluate("track => track.readyState") == "ended"
        page.get_by_role("button", name="Take another with the camera").click()
        page.wait_for_selector("video")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("button", name="Use the camera")).to_be_visible()
