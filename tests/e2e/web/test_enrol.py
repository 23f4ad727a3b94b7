"""Enrolling: with photos and with the camera, and with everything that is no photo of one person."""

import base64
import re
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect

from tests.e2e.web.conftest import PHONE, Launch, keep, staged
from tests.photos import Photos, encoded, shots
from tests.puppet import REST, Framing, Pose, Puppet

FRAME_S = 1 / 6
PATIENCE_S = 60.0

POSES = {
    "to your left": (Pose(yaw_deg=18.0), 1.0),
    "to your right": (Pose(yaw_deg=-18.0), 1.0),
    "raise your chin": (Pose(pitch_deg=18.0), 1.0),
    "lower your chin": (Pose(pitch_deg=-18.0), 1.0),
    "smile": (Pose(smile=0.6), 1.0),
    "come a little closer": (REST, 1.3),
}
"""How somebody before the camera answers the page's words: what the face does, and how near it is."""

SHOW = """async (frame) => {
  await window.showFrame(frame);
  return document.querySelector("[data-phase=camera]")?.innerText ?? "";
}"""


@pytest.fixture
def nobody(url: str) -> None:
    """Before anybody is enrolled: what one test enrols is another one's known face."""
    for person in httpx.get(f"{url}/api/v1/users", timeout=60).json()["users"]:
        httpx.delete(f"{url}/api/v1/users/{person['user_id']}", timeout=60).raise_for_status()


def photo(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def named(images: list[bytes], start: str = "photo") -> list[FilePayload]:
    return [photo(f"{start}-{number}.jpg", image) for number, image in enumerate(images)]


def agreed(context: BrowserContext, user_id: str, way: str, page: Page | None = None) -> Page:
    """The page after id and consent, where photos are to come by one of the two ways."""
    page = page or context.new_page()
    page.goto("/enrol")
    page.get_by_label("User id").fill(user_id)
    page.get_by_text("I have read this").click()
    page.get_by_role("button", name=re.compile(f"^{way}")).click()
    return page


def choose(page: Page, files: list[FilePayload] | list[Path]) -> None:
    page.locator("input[type=file]").set_input_files(files)


def cards(page: Page) -> Locator:
    return page.get_by_role("list", name="Photos").get_by_role("listitem")


def looked_at(page: Page, count: int) -> None:
    """Wait until there are so many photos and each has its verdict."""
    expect(cards(page)).to_have_count(count)
    expect(cards(page).get_by_text("Looking at it")).to_have_count(0, timeout=20_000)


def register(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Register with")).click()


@pytest.mark.usefixtures("nobody")
def test_photos_and_a_consent_become_an_enrolment(launch: Launch, url: str, photos: Photos) -> None:
    with launch(url) as context:
        page = context.new_page()
        page.goto("/enrol")
        files = page.get_by_role("button", name=re.compile("^Choose photos"))
        files.click()
        expect(page.get_by_label("User id")).to_be_focused()
        page.get_by_label("User id").fill("carol")
        files.click()
        expect(page.get_by_role("alert")).to_have_text("Nobody is enrolled without this.")
        expect(page.get_by_role("checkbox")).to_be_focused()
        page.keyboard.press("Space")
        keep(page, "enrol-consent")
        files.click()
        choose(page, named(photos.enrolment()[:4]))
        looked_at(page, 4)
        expect(cards(page).get_by_text(re.compile("^(Good|Fair) "))).to_have_count(4)
        expect(page.get_by_text("One more photo is needed.")).to_be_visible()
        expect(page.get_by_role("button", name="Register")).to_be_disabled()
        choose(page, named(photos.enrolment()[4:], "last"))
        looked_at(page, 5)
        keep(page, "enrol-files")
        register(page)
        expect(page.get_by_role("heading", name="carol is enrolled")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("5 of 5 photos were taken.")).to_be_visible()
        keep(page, "enrol-enrolled")
        assert page.evaluate("JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"
    (consent,) = httpx.get(f"{url}/api/v1/users/carol/consents", timeout=60).json()
    assert (consent["purpose"], consent["withdrawn_at"]) == ("face_sign_in", None)


@pytest.mark.usefixtures("nobody")
def test_what_is_no_photo_is_told_and_the_others_stay(
    launch: Launch, url: str, photos: Photos, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(photos.obama + bytes(40 * 2**20 - len(photos.obama)))
    bad = {
        "scan.pdf": (b"%PDF-1.7\n" + bytes(200), "This is a PDF, not a photo."),
        "iphone.heic": (b"\0\0\0\x18ftypheic" + bytes(200), "This is a HEIC photo, as iPhones take them."),
        "empty.jpg": (b"", "This file is empty."),
        "moves.gif": (b"GIF89a" + bytes(200), "This is a GIF."),
        "notes.jpg": (b"no picture at all, whatever its name says", "This is no photo that can be read."),
        "cut-off.jpg": (photos.obama[:3000], "The picture is damaged or incomplete."),
        "wall.jpg": (encoded(np.full((480, 640, 3), 150, np.uint8)), "Bring your face into the picture."),
    }
    with launch(url) as context:
        page = agreed(context, "carol", "Choose photos")
        choose(page, [photo(name, content) for name, (content, _) in bad.items()])
        looked_at(page, len(bad))
        choose(page, [huge])
        looked_at(page, len(bad) + 1)
        told = {name: says for name, (_, says) in bad.items()} | {"huge.jpg": "a photo may have 12.6 MB"}
        for name, says in told.items():
            card = cards(page).filter(has_text=name).or_(cards(page).filter(has=page.get_by_alt_text(name)))
            expect(card).to_contain_text("Can't be used")
            expect(card).to_contain_text(re.compile(says, re.IGNORECASE))
        choose(page, named(photos.enrolment()))
        looked_at(page, len(told) + 5)
        expect(cards(page).get_by_text(re.compile("^(Good|Fair) "))).to_have_count(5)
        keep(page, "enrol-bad-files")
        register(page)
        expect(page.get_by_role("heading", name="carol is enrolled")).to_be_visible(timeout=20_000)


@pytest.mark.usefixtures("nobody")
def test_photos_that_are_refused_are_marked_and_replaced(launch: Launch, url: str, photos: Photos) -> None:
    with launch(url) as context:
        page = agreed(context, "carol", "Choose photos")
        choose(page, named([*photos.enrolment()[:3], *photos.stranger()[:2]]))
        looked_at(page, 5)
        register(page)
        expect(page.get_by_role("alert")).to_contain_text("more than one person", timeout=20_000)
        marked = cards(page).filter(has_text="Left out")
        expect(marked.first).to_be_visible()
        keep(page, "enrol-two-people")
        for _ in range(marked.count()):
            marked.first.get_by_role("button", name=re.compile("^Delete")).click()
        for number in range(cards(page).count(), 0, -1):
            cards(page).nth(number - 1).get_by_role("button", name=re.compile("^Delete")).click()
        # The same photo again and again is one photo.
        choose(page, named([photos.obama] * 5))
        looked_at(page, 5)
        register(page)
        expect(page.get_by_role("alert")).to_contain_text("Too few of the photos", timeout=20_000)
        expect(cards(page).get_by_text("The same photo as another.")).to_have_count(4)
        keep(page, "enrol-too-few")
        for _ in range(4):
            cards(page).nth(1).get_by_role("button", name=re.compile("^Delete")).click()
        choose(page, named([*shots(photos.obama, 3)[1:], *shots(photos.obama2, 2)], "other"))
        looked_at(page, 5)
        register(page)
        expect(page.get_by_role("heading", name="carol is enrolled")).to_be_visible(timeout=20_000)


@pytest.mark.usefixtures("nobody")
def test_a_known_face_and_a_known_id(launch: Launch, url: str, photos: Photos) -> None:
    files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(photos.enrolment())]
    httpx.post(
        f"{url}/api/v1/register", data={"user_id": "alice"}, files=files, timeout=60
    ).raise_for_status()
    with launch(url) as context:
        page = agreed(context, "somebody-else", "Choose photos")
        choose(page, named(photos.enrolment()))
        looked_at(page, 5)
        register(page)
        expect(page.get_by_role("alert")).to_contain_text("This face has another id already", timeout=20_000)
        expect(page.get_by_role("alert")).not_to_contain_text("alice")
        keep(page, "enrol-known-face")

        page = agreed(context, "alice", "Choose photos", page)
        choose(page, named(photos.stranger()))
        looked_at(page, 5)
        # Nobody knows whether the photos arrived when the connection broke.
        page.route("**/api/v1/register", lambda route: route.abort())
        register(page)
        expect(page.get_by_role("alert")).to_contain_text("It isn't known whether the photos arrived.")
        page.unroute_all()
        register(page)
        expect(page.get_by_role("alert")).to_contain_text("This id is taken", timeout=20_000)
        page.get_by_role("button", name="Choose another id").click()
        page.get_by_label("User id").fill("joe")
        page.get_by_role("button", name=re.compile("^Choose photos")).click()
        expect(cards(page)).to_have_count(5)
        register(page)
        expect(page.get_by_role("heading", name="joe is enrolled")).to_be_visible(timeout=20_000)


def sit(page: Page, puppet: Puppet, *, photos: int) -> None:
    """Sit before the camera and do what the page says, until it has so many photos."""
    began_s, number, said = time.monotonic(), 0, ""
    while f"{photos} of 7 photos" not in said:
        now_s = time.monotonic()
        assert now_s - began_s < PATIENCE_S, f"nothing came of it: {said}"
        number += 1
        lower = said.lower()
        pose, zoom = next((POSES[words] for words in POSES if words in lower), (REST, 1.0))
        # Nobody holds still.
        seat = Framing(zoom, 4.0 * np.sin(number / 5), 3.0 * np.sin(number / 3))
        frame = puppet.frame(pose, seed=number, framing=seat)
        said = page.evaluate(SHOW, base64.b64encode(frame).decode())
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - now_s)))


@pytest.mark.usefixtures("nobody")
def test_the_camera_asks_for_poses_and_takes_what_is_good(launch: Launch, url: str, puppet: Puppet) -> None:
    with launch(url, size=PHONE) as context:
        page = agreed(context, "carol", "Use the camera", staged(context))
        sit(page, puppet, photos=3)
        keep(page, "enrol-camera")
        # One is not wanted, and one is wanted better.
        page.get_by_role("button", name="Take photo 2 again").click()
        sit(page, puppet, photos=3)
        page.get_by_role("button", name="Skip this").click()
        sit(page, puppet, photos=6)
        expect(page.get_by_text("That's enough.")).to_be_visible()
        assert page.locator("video").count() == 0  # the camera is off
        page.get_by_role("button", name="Delete photo 3").click()
        expect(cards(page)).to_have_count(5)
        keep(page, "enrol-camera-done")
        register(page)
        expect(page.get_by_role("heading", name="carol is enrolled")).to_be_visible(timeout=20_000)
        page.get_by_role("link", name="Try signing in").click()
        expect(page).to_have_url(re.compile("/sign-in$"))


def test_going_back_in_the_middle_stops_the_camera(launch: Launch, url: str, puppet: Puppet) -> None:
    with launch(url) as context:
        page = staged(context)
        page.goto("/people")
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Enrol").first.click()
        page.get_by_label("User id").fill("carol")
        page.get_by_text("I have read this").click()
        page.get_by_role("button", name=re.compile("^Use the camera")).click()
        page.wait_for_selector("video")
        sit(page, puppet, photos=1)
        track = page.evaluate_handle("document.querySelector('video').srcObject.getTracks()[0]")
        page.go_back()
        expect(page).to_have_url(re.compile("/people$"))
        assert track.evaluate("track => track.readyState") == "ended"
