"""Every page, empty and with people, on a desk and in a hand: whole, accessible, and kept as a picture."""

import json

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT
from tests.e2e.web.conftest import DESKTOP, PHONE, Launch, keep
from tests.photos import Photos, on_a_screen

PAGES = {
    "sign-in": "Sign in",
    "enrol": "Enrol",
    "identify": "Identify",
    "people": "People",
    "people/alice": "alice",
    "activity": "Activity",
    "spoofs": "Spoof attempts",
    "fairness": "Fairness",
    "system": "System",
    "access": "Access",
    "login": "",
    "no-such-page": "",
}
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("options => axe.run(document, options)", RULES)
    return [
        f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes']])[:400]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


def settled(page: Page) -> None:
    """Wait until what the page asked for is there."""
    # Not "until the network is idle": the activity page listens for as long as it is open.
    expect(page.locator("main").locator("h1, strong").first).to_be_visible()
    expect(page.locator("main [role=status]", has_text="Loading")).to_have_count(0)


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest, url: str, photos: Photos) -> str:
    """The same service, before and after something happened."""
    with httpx.Client(base_url=url, timeout=60) as client:
        if request.param == "peopled" and client.get("/api/v1/users").json()["total"] == 0:
            for name, images in (("alice", photos.enrolment()), ("bob", photos.stranger())):
                files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(images)]
                client.post("/api/v1/register", data={"user_id": name}, files=files).raise_for_status()
            for image in (photos.obama3, photos.biden, on_a_screen(photos.obama3)):
                form = {"user_id": "alice"}
                client.post("/api/v1/authenticate", data=form, files={"image": image}).raise_for_status()
    return str(request.param)


@pytest.mark.parametrize(
    ("filled", "size", "dark"),
    [("empty", DESKTOP, False), ("peopled", DESKTOP, False), ("peopled", PHONE, True)],
    indirect=["filled"],
    ids=["empty", "desktop", "phone-dark"],
)
def test_every_page_is_whole_and_accessible(
    launch: Launch, url: str, filled: str, size: tuple[int, int], dark: bool
) -> None:
    kind = "phone-dark" if dark else "desktop"
    with launch(url, size=size, dark=dark) as context:
        page = context.new_page()
        for path, title in PAGES.items():
            page.goto(f"/{path}")
            if title:
                expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
            settled(page)
            keep(page, f"{path.replace('/', '-')}-{filled}-{kind}")
            assert serious(page) == [], path
            # Nothing sticks out sideways.
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path


def test_the_first_visit_is_light_and_asks_nobody_else(launch: Launch, url: str) -> None:
    with launch(url) as context:
        page = context.new_page()
        sizes: list[int] = []
        page.on(
            "response",
            lambda answer: (
                sizes.append(int(answer.headers.get("content-length", 0)))
                if answer.url.endswith(".js")
                else None
            ),
        )
        page.goto("/")
        settled(page)
        assert 0 < sum(sizes) <= 250_000


def test_the_keyboard_alone_is_enough(launch: Launch, url: str) -> None:
    with launch(url) as context:
        page = context.new_page()
        page.goto("/sign-in")
        settled(page)
        page.keyboard.press("Tab")
        page.evaluate("document.querySelector('a[href=\"#content\"]').focus()")
        expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
        page.get_by_label("User id").focus()
        page.keyboard.type("not allowed!")
        page.keyboard.press("Enter")
        expect(page.get_by_label("User id")).to_have_attribute("aria-invalid", "true")


def test_the_chosen_look_is_kept_and_nothing_else(launch: Launch, url: str) -> None:
    with launch(url) as context:
        page = context.new_page()
        page.goto("/people")
        page.get_by_role("button", name="Appearance").click()
        page.get_by_role("option", name="Dark").click()
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("Object.keys(localStorage)") == ["facekey-theme"]
