"""An operator's day: logging in, finding people, helping and erasing them, and looking after the log."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Response, Route, expect

from facekey.store.keys.encryption_key import EncryptionKey
from tests.e2e.conftest import ROOT, facekey, free_port, running
from tests.e2e.web.conftest import Environment, Launch, keep
from tests.photos import Photos, on_a_screen

PASSWORD = "correct horse battery staple"
ADA, ALICE = "ada", "alice"
"""An administrator, and somebody who is enrolled."""
WAIT_S, FAILURES_TO_WAIT, FAILURES_TO_LOCK = 2, 4, 5


@pytest.fixture(scope="module")
def deployment(deployment: Environment) -> Environment:
    """In the production profile: everybody has to log in."""
    return {
        **deployment,
        "FACEKEY_PORT": str(free_port()),
        "FACEKEY_PROFILE": "production",
        "SECRET_KEY": EncryptionKey.generate().written(),
        "FACEKEY_LOCKOUT_WAITS_FROM": str(FAILURES_TO_WAIT),
        "FACEKEY_LOCKOUT_LOCKED_AT": str(FAILURES_TO_LOCK),
        "FACEKEY_LOCKOUT_FIRST_WAIT_SECONDS": str(WAIT_S),
        "FACEKEY_LOCKOUT_LONGEST_WAIT_SECONDS": str(WAIT_S),
        # All of these operators come from one address.
        "FACEKEY_RATE_LOGIN_PER_MINUTE": "600",
        "FACEKEY_RATE_LOGIN_BURST": "100",
        "FACEKEY_RATE_READING": "200",
        "FACEKEY_RATE_READING_BURST": "600",
    }


def said(*words: str, by: Environment) -> str:
    """What a command of the service's machine prints."""
    done = subprocess.run(
        facekey(*words), env=by, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def url(deployment: Environment) -> Iterator[str]:
    deployment["ROOT_PASSWORD"] = said("accounts", "add", "root", "--role", "admin", by=deployment).split()[
        -1
    ]
    with running(facekey("serve"), deployment) as (url, _process):
        yield url


@dataclass(frozen=True)
class Office:
    """What happens elsewhere while an operator sits before the page.

    Attributes:
        admin: an administrator's client.
        door: the client of an application that has people before it.
    """

    admin: httpx.Client
    door: httpx.Client
    photos: Photos

    def invite(self, name: str, role: str = "admin") -> str:
        """A new operator; their one-time password."""
        made = self.admin.post("/operators", json={"name": name, "role": role}).raise_for_status().json()
        return str(made["one_time_password"])

    def choose(self, name: str, one_time: str) -> None:
        fields = {"username": name, "password": one_time, "new_password": PASSWORD}
        self.admin.post("/auth/password", data=fields).raise_for_status()

    def hire(self, name: str, role: str = "admin") -> str:
        """An operator who has chosen a password."""
        self.choose(name, self.invite(name, role))
        return name

    def enrol(self, user_id: str, images: list[bytes]) -> None:
        files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(images)]
        fields = {"user_id": user_id, "consent_purpose": "authentication", "consent_text_version": "1"}
        self.door.post("/register", data=fields, files=files).raise_for_status()

    def attempt(self, user_id: str, image: bytes) -> httpx.Response:
        return self.door.post("/authenticate", data={"user_id": user_id}, files={"image": image})

    def records(self, **wanted: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = (
            self.admin.get("/audit", params=wanted).raise_for_status().json()["records"]
        )
        return found


def speaking(url: str, credential: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"{url}/api/v1", timeout=60, headers={"Authorization": f"Bearer {credential}"}
    )


@pytest.fixture(scope="module")
def office(url: str, deployment: Environment, photos: Photos) -> Iterator[Office]:
    with httpx.Client(base_url=f"{url}/api/v1/auth", timeout=60) as client:
        fields = {"username": "root", "password": deployment["ROOT_PASSWORD"], "new_password": PASSWORD}
        client.post("/password", data=fields).raise_for_status()
        tokens = (
            client.post("/token", data={"username": "root", "password": PASSWORD}).raise_for_status().json()
        )
    with speaking(url, tokens["access_token"]) as admin:
        key = (
            admin.post("/api_keys", json={"name": "door", "role": "service"}).raise_for_status().json()["key"]
        )
        with speaking(url, key) as door:
            office = Office(admin, door, photos)
            office.hire(ADA)
            office.enrol(ALICE, photos.enrolment())
            yield office


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def opened(context: BrowserContext, name: str, path: str) -> Page:
    """A page of somebody who has just logged in to see it."""
    page = context.new_page()
    page.goto(path)
    log_in(page, name)
    page.wait_for_url(lambda there: "/login" not in there)
    return page


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()


def test_the_first_login_chooses_a_password_and_goes_on(launch: Launch, url: str, office: Office) -> None:
    one_time = office.invite("newcomer")
    with launch(url) as context:
        page = context.new_page()
        page.goto("/activity?action=register")
        heading(page, "Operator login")
        log_in(page, "newcomer", one_time)
        heading(page, "Choose your own password")
        keep(page, "login-choose")
        first, again = page.get_by_label("New password", exact=True), page.get_by_label("New password, again")
        choose = page.get_by_role("button", name="Set password and log in")
        first.fill(PASSWORD)
        again.fill(f"{PASSWORD}!")
        choose.click()
        expect(page.get_by_text("The two passwords differ.")).to_be_visible()
        first.fill("too short")
        again.fill("too short")
        choose.click()
        expect(page.get_by_role("alert")).to_contain_text("A password has 15 to 128 characters.")
        keep(page, "login-too-short")
        first.fill(PASSWORD)
        again.fill(PASSWORD)
        choose.click()
        # Where one wanted to go, with all that its address said.
        expect(page).to_have_url(re.compile(r"/activity\?action=register$"))
        heading(page, "Activity")
        # A page that is loaded anew asks nobody for the password again.
        page.reload()
        heading(page, "Activity")
        (cookie,) = context.cookies(f"{url}/api/v1/auth/token")
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
            "facekey_refresh",
            True,
            "Strict",
            "/api/v1/auth",
        )
        assert (
            page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])") == '[{},{},""]'
        )
        assert page.evaluate("indexedDB.databases()") == []


def test_wrong_passwords_are_told_and_slowed_down(launch: Launch, url: str, office: Office) -> None:
    name = office.hire("forgetful")
    with launch(url) as context:
        page = context.new_page()
        page.goto("/login")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Enter name and password.")).to_be_visible()
        for _ in range(FAILURES_TO_WAIT):
            log_in(page, name, "not this one")
            expect(page.get_by_role("alert")).to_contain_text("don't belong together")
        keep(page, "login-wrong")
        log_in(page, name)
        expect(page.get_by_role("alert")).to_contain_text(
            re.compile(r"Too many failed attempts. Try again in \d+ s\.")
        )
        keep(page, "login-wait")
        # The way on: when the wait is over, the right password opens.
        expect(page.get_by_role("alert")).not_to_contain_text("Try again in")
        log_in(page, name)
        heading(page, "Sign in")
    office.admin.post("/attempts/unlock", params={"address": "127.0.0.1"}).raise_for_status()


def test_somebody_locked_is_found_and_unlocked(launch: Launch, url: str, office: Office) -> None:
    for _ in range(FAILURES_TO_WAIT):
        assert office.attempt(ALICE, office.photos.biden).json()["reason"] == "no_match"
    limited = office.attempt(ALICE, office.photos.obama3)
    assert limited.json()["code"] == "too_many_attempts"
    with launch(url) as context:
        page = opened(context, ADA, "/people")
        page.get_by_label("Search people").fill("lic")
        expect(page).to_have_url(re.compile(r"/people\?q=lic$"))
        page.get_by_role("link", name=ALICE).click()
        heading(page, ALICE)
        page.wait_for_timeout(1000 * int(limited.headers["Retry-After"]))  # as the service said
        assert office.attempt(ALICE, office.photos.biden).json()["reason"] == "no_match"
        page.reload()
        expect(page.get_by_text("Only an operator can unlock.")).to_be_visible()
        expect(page.get_by_text(f"{FAILURES_TO_LOCK} failed attempts in a row.")).to_be_visible()
        keep(page, "person-locked")
        page.go_back()
        expect(page.get_by_label("Search people")).to_have_value("lic")
        expect(page.get_by_role("row", name=ALICE)).to_contain_text("Locked")
        page.get_by_role("link", name=ALICE).click()
        page.get_by_role("button", name="Unlock").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Unlock").click()
        expect(page.get_by_text("No failed attempts in a row.")).to_be_visible()
        expect(
            page.get_by_role("region", name="Audit records").get_by_role("row", name="Unlock")
        ).to_be_visible()
        page.get_by_role("link", name="All people").click()
        expect(page.get_by_role("row", name=ALICE)).to_contain_text("Can sign in")
        page.get_by_label("Search people").fill("nobody-here")
        expect(page.get_by_text("Nobody's id has “nobody-here” in it")).to_be_visible()
        page.goto("/people/nobody-here")
        expect(page.get_by_text("Nobody of the id “nobody-here” is enrolled")).to_be_visible()
    assert office.attempt(ALICE, office.photos.obama3).json()["authenticated"]


def test_a_suspected_spoof_is_looked_at_and_the_look_is_on_record(
    launch: Launch, url: str, office: Office
) -> None:
    assert office.attempt(ALICE, on_a_screen(office.photos.obama3)).json()["reason"] == "spoof_suspected"
    with launch(url) as context:
        page = opened(context, ADA, "/spoofs")
        page.get_by_role("button", name=re.compile("evidence of attempt")).first.click()
        shown = page.get_by_role("dialog")
        expect(shown.get_by_role("link", name=ALICE)).to_be_visible()
        picture = shown.get_by_role("img", name=re.compile("Depth of the face"))
        expect(picture).to_be_visible()
        assert picture.evaluate("picture => picture.naturalWidth") > 0
        expect(shown.get_by_text("there is no photo", exact=False)).to_be_visible()
        expect(shown.get_by_text("That you looked at this is on record.")).to_be_visible()
        keep(page, "spoof-evidence")
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        page.goto("/activity?action=read_spoof")
        expect(page.get_by_role("button", name=re.compile("^Look at spoof attempts")).first).to_be_visible()
    (look, *_) = office.records(action="read_spoof")
    assert str(look["actor"]).startswith("operator:")


def test_a_person_is_exported_and_erased_with_a_receipt_that_holds(
    launch: Launch,
    url: str,
    office: Office,
    deployment: Environment,
    tmp_path: Path,
) -> None:
    office.enrol("bob", office.photos.stranger())
    with launch(url) as context:
        page = opened(context, ADA, "/people/bob")
        with page.expect_download() as saving:
            page.get_by_role("button", name="Download export").click()
        exported = json.loads(Path(saving.value.path()).read_text())
        assert saving.value.suggested_filename == "facekey-export-bob.json"
        assert exported["user_id"] == "bob"
        expect(page.get_by_text("The export was saved among your downloads.")).to_be_visible()

        page.get_by_role("button", name="Withdraw").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Withdraw").click()
        expect(page.get_by_text("Withdrawn", exact=True).first).to_be_visible()
        assert office.attempt("bob", office.photos.biden).json()["authenticated"] is False

        page.get_by_role("button", name="Erase this person").click()
        asking = page.get_by_role("alertdialog")
        erase = asking.get_by_role("button", name="Erase for good")
        expect(erase).to_be_disabled()
        asking.get_by_label("Type bob to confirm").fill("bo")
        expect(erase).to_be_disabled()
        keep(page, "person-erase")
        asking.get_by_label("Type bob to confirm").fill("bob")
        erase.click()
        heading(page, "Erased")
        keep(page, "person-receipt")
        with page.expect_download() as saving:
            page.get_by_role("button", name="Download receipt").click()
        receipt = tmp_path / saving.value.suggested_filename
        saving.value.save_as(receipt)
        with page.expect_download() as saving:
            page.get_by_role("link", name="Public key").click()
        saving.value.save_as(tmp_path / "public.pem")
        command = page.get_by_text("facekey audit verify-receipt").inner_text()
        assert command == f"facekey audit verify-receipt {receipt.name} --public-key public.pem"
        page.get_by_role("link", name="All people").click()
        expect(page.get_by_role("link", name="bob", exact=True)).to_have_count(0)
    key = str(tmp_path / "public.pem")
    says = said("audit", "verify-receipt", str(receipt), "--public-key", key, by=deployment)
    assert says.startswith("signed: ")


def test_the_log_is_verified_followed_and_filtered(launch: Launch, url: str, office: Office) -> None:
    with launch(url) as context:
        page = opened(context, ADA, "/activity")
        page.get_by_role("button", name="Verify the log").click()
        expect(page.get_by_text("Intact", exact=True)).to_be_visible()
        expect(page.get_by_text("records hold together.")).to_be_visible()

        records = page.get_by_role("region", name="Audit records")
        expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
        newest = records.get_by_role("row").nth(1)
        expect(newest).not_to_contain_text("Identification")
        office.door.post("/identify", files={"image": office.photos.obama3}).raise_for_status()
        expect(newest).to_contain_text("Identification")  # without anybody asking for it
        keep(page, "activity-live")

        page.get_by_role("button", name="Pause new records").click()
        expect(page.get_by_role("status").get_by_text("Paused", exact=True)).to_be_visible()

        page.get_by_role("button", name=re.compile("^Anything")).click()
        page.get_by_role("option", name="Enrolment", exact=True).click()
        expect(page).to_have_url(re.compile(r"action=register"))
        expect(newest).to_contain_text("Enrolment")
        expect(records).not_to_contain_text("Identification")
        person = page.get_by_role("textbox", name="Person")
        person.fill("nobody-here")
        person.press("Enter")
        expect(page.get_by_text("No record fits these filters")).to_be_visible()
        page.go_back()
        expect(newest).to_contain_text("Enrolment")
        page.go_back()
        expect(records).to_contain_text("Identification")

        newest.get_by_role("button").first.click()
        expect(page.get_by_role("dialog").get_by_role("heading", name="Digest")).to_be_visible()
        page.keyboard.press("Escape")

        page.goto(f"/people/{ALICE}")
        page.get_by_role("link", name="All in Activity").click()
        expect(page).to_have_url(re.compile(rf"/activity\?user_id={ALICE}$"))
        heading(page, "Activity")
        expect(person).to_have_value(ALICE)


def test_signing_out_ends_every_tab(launch: Launch, url: str, office: Office) -> None:
    assert office
    with launch(url) as context:
        first = opened(context, ADA, "/people")
        second = context.new_page()
        second.goto("/activity")
        heading(second, "Activity")  # the other tab's sign-in counts here
        first.get_by_role("button", name="Sign out").click()
        for page in (first, second):
            heading(page, "Operator login")
            expect(page.get_by_text("Your sign-in has ended")).to_have_count(0)
        assert context.cookies(f"{url}/api/v1/auth/token") == []
        second.reload()
        heading(second, "Operator login")
        # One login is enough for both.
        log_in(second, ADA)
        heading(second, "Activity")
        heading(first, "People")


def test_a_role_without_access_is_told_so(launch: Launch, url: str, office: Office) -> None:
    name = office.hire("grace", "operator")
    with launch(url) as context:
        page = opened(context, name, "/access")
        expect(page.get_by_text("Your role doesn't include this.")).to_be_visible()
        expect(page.get_by_text("grace (operator)")).to_be_visible()
        menu = page.get_by_role("navigation", name="Main").first
        expect(menu.get_by_role("link", name="People")).to_be_visible()
        expect(menu.get_by_role("link", name="Access")).to_have_count(0)
        keep(page, "access-refused")


TOKEN_S = 600


def test_a_sign_in_is_renewed_without_a_word(launch: Launch, url: str) -> None:
    with launch(url) as context:
        page = context.new_page()
        page.clock.install()
        page.goto("/people")
        log_in(page, ADA)
        heading(page, "People")
        renewals: list[str] = []
        page.on("request", lambda asked: renewals.append(asked.url) if asked.url.endswith("/token") else None)

        # By the clock, before the token runs out.
        page.clock.fast_forward(1000 * (TOKEN_S - 30))
        with page.expect_response(is_renewal) as renewal:
            page.get_by_role("link", name=ALICE).click()
        assert renewal.value.ok
        expect(page.get_by_text("Can sign in")).to_be_visible()
        assert len(renewals) == 1

        # By the service's word, when it doesn't take the token.
        def spoilt(route: Route) -> None:
            route.continue_(headers={**route.request.headers, "authorization": "Bearer no.such.token"})

        page.route("**/api/v1/users?*", spoilt, times=1)
        page.clock.fast_forward(11_000)  # what the list knew is old now
        with page.expect_response(is_renewal) as renewal:
            page.get_by_role("link", name="All people").click()
        assert renewal.value.ok
        page.get_by_label("Search people").fill("al")
        expect(page.get_by_text("1 of ")).to_be_visible()
        assert len(renewals) == 2


def is_renewal(answer: Response) -> bool:
    return answer.url.endswith("/auth/token")


def test_a_revoked_sign_in_leads_to_the_login_and_back(launch: Launch, url: str, office: Office) -> None:
    name = office.hire("mallory", "operator")
    with launch(url) as context:
        page = opened(context, name, "/people?q=a")
        made = office.admin.post(f"/operators/{name}/reset_password").raise_for_status().json()
        page.get_by_role("link", name="Spoof attempts").click()
        expect(page.get_by_text("Your sign-in has ended.")).to_be_visible()
        keep(page, "login-ended")
        office.choose(name, made["one_time_password"])
        log_in(page, name)
        heading(page, "Spoof attempts")


TRIES_S = 60

TROUBLE = {
    429: "Too many requests. Wait a moment and try again.",
    503: "FaceKey is busy or still starting. Try again in a moment.",
    500: "FaceKey has a defect here; its log has the details.",
    None: "FaceKey can't be reached",
}


def test_a_service_in_trouble_is_told_with_a_way_on(launch: Launch, url: str, office: Office) -> None:
    with launch(url) as context:
        opened(context, ADA, "/system").close()
        for status, says in TROUBLE.items():
            page = context.new_page()
            page.goto("/fairness")
            heading(page, "Fairness")
            in_trouble(page, status)
            page.clock.install()
            page.get_by_role("link", name="People").click()
            heading(page, "People")
            alert = page.get_by_role("alert")
            for _ in range(TRIES_S):  # it tries a few times by itself
                page.clock.run_for(1000)
                if alert.is_visible():
                    break
            expect(alert).to_contain_text(says)
            keep(page, f"people-{status or 'unreachable'}")
            page.unroute_all()
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_role("link", name=ALICE)).to_be_visible()
            page.close()


def in_trouble(page: Page, status: int | None) -> None:
    """From now on the list of people is answered with this status, or not at all."""

    def answer(route: Route) -> None:
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status, headers={"Retry-After": "1"}, body="a proxy's own words")

    page.route("**/api/v1/users?*", answer)


def test_offline_is_told_and_over_when_it_is_over(launch: Launch, url: str) -> None:
    with launch(url) as context:
        page = opened(context, ADA, "/people")
        expect(page.get_by_role("link", name=ALICE)).to_be_visible()
        context.set_offline(True)
        expect(page.get_by_text("This device is offline.")).to_be_visible()
        expect(page.get_by_role("link", name=ALICE)).to_be_visible()  # what was there stays
        keep(page, "offline")
        context.set_offline(False)
        expect(page.get_by_text("This device is offline.")).to_have_count(0)
        page.get_by_role("link", name=ALICE).click()
        heading(page, ALICE)


def test_a_service_that_stops_and_comes_back(launch: Launch, deployment: Environment, tmp_path: Path) -> None:
    environment = {
        **deployment,
        "FACEKEY_PROFILE": "development",
        "DATABASE_URL": f"sqlite:///{tmp_path}/facekey.db",
        "FACEKEY_PORT": str(free_port()),
    }
    with running(facekey("serve"), environment) as (url, process), launch(url) as context:
        page = context.new_page()
        page.goto("/activity")
        follows = page.get_by_role("main").get_by_role("status")
        expect(follows.get_by_text("Live", exact=True)).to_be_visible()
        process.terminate()
        process.wait(timeout=30)
        expect(follows.get_by_text("Every 10 seconds")).to_be_visible()
        keep(page, "activity-stopped")
        page.get_by_role("link", name="People").click()
        expect(page.get_by_role("alert")).to_contain_text("FaceKey can't be reached")
        keep(page, "people-stopped")
        with running(facekey("serve"), environment):
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_text("Nobody is enrolled yet")).to_be_visible()
            page.get_by_role("link", name="Activity").click()
            expect(follows.get_by_text("Live", exact=True)).to_be_visible()
