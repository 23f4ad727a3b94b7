"""Signing in with a face: whoever obeys is let in, whoever can't is not, and every fault has a way on."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from facekey.zoo.zoo import Zoo
from tests.actor import Actor
from tests.e2e.conftest import facekey, free_port, running
from tests.e2e.web.camera import act, clip, shown
from tests.e2e.web.conftest import PHONE, Environment, Launch, keep, staged
from tests.photos import Photos, encoded, on_a_screen
from tests.puppet import Puppet, make_puppet

LET_IN = "[data-phase=authenticated]"
REFUSED = "[data-phase=refused]"


@pytest.fixture(scope="module")
def alice(url: str, photos: Photos) -> str:
    """Somebody who is enrolled."""
    files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(photos.enrolment())]
    answer = httpx.post(f"{url}/api/v1/register", data={"user_id": "alice"}, files=files, timeout=60)
    answer.raise_for_status()
    return "alice"


@pytest.fixture(autouse=True)
def unlocked(url: str) -> None:
    """What one test failed counts against this address; the next one begins anew."""
    for claim in ({"address": "127.0.0.1"}, {"user_id": "alice"}):
        httpx.post(f"{url}/api/v1/attempts/unlock", params=claim, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory, puppet: Puppet) -> Path:
    """A clip of a photo that somebody holds before the camera."""
    return clip(shown(encoded(puppet.picture)), tmp_path_factory.mktemp("clips") / "photo.mjpeg")


def start(page: Page, user_id: str) -> None:
    page.goto("/sign-in")
    begin(page, user_id)


def begin(page: Page, user_id: str) -> None:
    page.get_by_label("User id").fill(user_id)
    page.get_by_role("button", name="Start the camera").click()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_who_does_what_is_asked_is_let_in(
    launch: Launch, url: str, alice: str, puppet: Puppet, phone: bool
) -> None:
    with launch(url, **({"size": PHONE} if phone else {})) as context:
        page = staged(context)
        name = "phone" if phone else "desktop"
        page.goto("/sign-in")
        keep(page, f"sign-in-{name}")
        start(page, alice)
        actor = Actor(puppet)
        act(page, actor, until="[data-phase=challenge]")
        keep(page, f"sign-in-challenge-{name}")
        act(page, actor, until=f"{LET_IN}, {REFUSED}")
        expect(page.get_by_role("heading", name="Welcome, alice")).to_be_focused()
        keep(page, f"sign-in-welcome-{name}")
        # The camera is off when there is an answer.
        assert page.locator("video").count() == 0


def test_a_stranger_is_refused(launch: Launch, url: str, alice: str, zoo: Zoo, photos: Photos) -> None:
    with launch(url) as context:
        page = staged(context)
        start(page, alice)
        act(page, Actor(make_puppet(photos.biden, zoo)), until=f"{LET_IN}, {REFUSED}")
        expect(page.get_by_role("heading", name="Not recognised")).to_be_focused()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        keep(page, "sign-in-stranger")


def test_a_clip_that_can_not_know_what_is_asked_is_refused(
    launch: Launch, url: str, alice: str, printed: Path
) -> None:
    with launch(url, video=printed) as context:
        page = context.new_page()
        start(page, alice)
        page.wait_for_selector(REFUSED, timeout=40_000)
        assert page.locator(LET_IN).count() == 0
        keep(page, "sign-in-photo")


def test_a_screen_is_refused(launch: Launch, url: str, alice: str, puppet: Puppet, tmp_path: Path) -> None:
    screen = shown(on_a_screen(encoded(puppet.picture)))
    with launch(url, video=clip(screen, tmp_path / "screen.mjpeg")) as context:
        page = context.new_page()
        start(page, alice)
        page.wait_for_selector(REFUSED, timeout=40_000)
        assert page.locator(LET_IN).count() == 0


def test_nothing_is_sent_before_start(launch: Launch, url: str) -> None:
    with launch(url) as context:
        page = context.new_page()
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.goto("/sign-in")
        page.get_by_label("User id").fill("alice")
        page.wait_for_timeout(500)
        assert sockets == []
        assert page.locator("video").count() == 0
        page.get_by_label("User id").fill("no spaces allowed")
        page.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_label("User id")).to_be_focused()
        expect(page.get_by_label("User id")).to_have_attribute("aria-invalid", "true")
        assert sockets == []
        stored = page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert stored == "[{},{}]"


FAULTS = {
    "camera-refused": "Promise.reject(new DOMException('no', 'NotAllowedError'))",
    "camera-missing": "Promise.reject(new DOMException('no', 'NotFoundError'))",
    "camera-busy": "Promise.reject(new DOMException('no', 'NotReadableError'))",
}


@pytest.mark.parametrize("phase", FAULTS)
def test_a_camera_that_can_not_be_had(launch: Launch, url: str, phase: str) -> None:
    with launch(url) as context:
        page = context.new_page()
        page.add_init_script(f"navigator.mediaDevices.getUserMedia = () => {FAULTS[phase]}")
        start(page, "alice")
        page.wait_for_selector(f"[data-phase={phase}]")
        expect(page.get_by_role("button", name="Try the camera again")).to_be_visible()
        keep(page, f"sign-in-{phase}")


def test_a_browser_that_denies_the_camera(launch: Launch, url: str) -> None:
    with launch(url, camera=False) as context:
        page = context.new_page()
        start(page, "alice")
        page.wait_for_selector("[data-phase=camera-refused]")


def test_a_camera_that_is_pulled_out(launch: Launch, url: str, alice: str, puppet: Puppet) -> None:
    with launch(url) as context:
        page = staged(context)
        start(page, alice)
        act(page, Actor(puppet), until="[data-phase=watching]")
        page.evaluate(
            "document.querySelector('video').srcObject.getTracks().forEach((track) => {"
            " track.stop(); track.dispatchEvent(new Event('ended')); })"
        )
        page.wait_for_selector("[data-phase=camera-lost]")
        keep(page, "sign-in-camera-lost")
        expect(page.get_by_role("button", name="Try the camera again")).to_be_visible()


def test_back_in_the_middle_stops_the_camera(launch: Launch, url: str, alice: str, printed: Path) -> None:
    with launch(url, video=printed) as context:
        page = context.new_page()
        page.goto("/identify")
        page.get_by_role("link", name="Sign in").click()
        begin(page, alice)
        page.wait_for_selector("video")
        track = page.evaluate_handle("document.querySelector('video').srcObject.getTracks()[0]")
        page.go_back()
        expect(page).to_have_url(re.compile("/identify$"))
        assert track.evaluate("track => track.readyState") == "ended"


def test_two_tabs_are_two_attempts(launch: Launch, url: str, alice: str, printed: Path) -> None:
    with launch(url, video=printed) as context:
        pages = [context.new_page(), context.new_page()]
        for page in pages:
            page.bring_to_front()
            start(page, alice)
            page.wait_for_selector("video")
        page.wait_for_selector(f"{REFUSED}, [data-phase^=broken]", timeout=40_000)
        pages[0].bring_to_front()
        # The one that went out of sight stopped by itself and says so.
        pages[0].wait_for_selector(f"{REFUSED}, [data-phase^=broken]", timeout=40_000)


@pytest.fixture
def fragile(tmp_path: Path, deployment: Environment) -> Environment:
    """A deployment of its own, to be stopped in mid-flow."""
    return {**deployment, "DATABASE_URL": f"sqlite:///{tmp_path}/facekey.db"}


def test_a_service_that_stops_in_mid_flow(launch: Launch, fragile: Environment, printed: Path) -> None:
    environment = {**fragile, "FACEKEY_PORT": str(free_port())}
    with running(facekey("serve"), environment) as (url, process), launch(url, video=printed) as context:
        page = context.new_page()
        start(page, "alice")
        page.wait_for_selector("[data-phase=watching], [data-phase=challenge]")
        process.terminate()
        page.wait_for_selector("[data-phase=broken-restarting], [data-phase=broken-connection]")
        keep(page, "sign-in-stopped")
        page.get_by_role("button", name="Try again").click()
        page.wait_for_selector("[data-phase=broken-unreachable], [data-phase=broken-connection]")
