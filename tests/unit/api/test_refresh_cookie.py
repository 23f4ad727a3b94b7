"""The refresh token of a web app: in a cookie, for pages of its own address, once."""

import json
from http.cookies import Morsel, SimpleCookie

import pytest
from fastapi import FastAPI

from facekey.api.app import Doors, create_app
from facekey.api.service import Service
from facekey.core.caller import Role
from facekey.services.sign_in import TokenPolicy
from tests.contract.store.opened import Store
from tests.unit.api.requests import FORM, Answer, ask, form, scope
from tests.unit.core.made import CALLER
from tests.unit.services.deployed import Accounts, HandClock, Playback, recorded, services
from tests.unit.services.staged import Stage

PASSWORD = "correct horse battery"
LOGIN = (("username", "ada"), ("password", PASSWORD))
REFRESH = (("grant_type", "refresh_token"),)
IN_COOKIE = ("refresh_in", "cookie")
HOST = ("host", "faces.example:8443")
OWN_PAGE = (("sec-fetch-site", "same-origin"), ("origin", "https://faces.example:8443"))
FOREIGN = [
    (("sec-fetch-site", "same-site"),),
    (("sec-fetch-site", "cross-site"),),
    (("sec-fetch-site", "none"),),
    (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")),
    (("origin", "https://evil.example"),),
    (("origin", "https://faces.example"),),
    (("origin", "https://faces.example:8443.evil.example"),),
    (("origin", "http://faces.example:8443"),),
    (("origin", "null"),),
    (("origin", ""),),
    (("origin", "https://faces.example:8443"), ("origin", "https://evil.example")),
    (("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")),
]
"""Of a service with TLS at https://faces.example:8443."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def accounts(store: Store, clock: HandClock) -> Accounts:
    opened = Accounts(store, clock, Stage().ticker, open_to_all=False)
    made = await opened.manage.add_operator("ada", Role.ADMIN, caller=CALLER)
    await opened.sign_in.change_password("ada", made.one_time_password, PASSWORD, address=None)
    return opened


@pytest.fixture
def service(store: Store, analyzer: Playback, accounts: Accounts) -> Service:
    return services(store, analyzer, accounts=accounts)


def opened(service: Service, *, https: bool) -> FastAPI:
    built = create_app(service, max_image_bytes=10_000, doors=Doors(open_to_this_machine=False, https=https))
    built.state.service = service
    return built


@pytest.fixture
def app(service: Service) -> FastAPI:
    return opened(service, https=True)


async def post(
    app: FastAPI,
    path: str,
    *parts: tuple[str, str],
    cookie: str | None = None,
    headers: tuple[tuple[str, str], ...] = OWN_PAGE,
) -> Answer:
    sent = (HOST, FORM[1], *headers)
    if cookie is not None:
        sent = (*sent, ("cookie", f"other=1; facekey_refresh={cookie}"))
    return await ask(app, "POST", f"/api/v1/auth/{path}", headers=sent, body=[form(*parts)])


def cookie_of(answer: Answer) -> Morsel[str]:
    return SimpleCookie(answer.headers["set-cookie"])["facekey_refresh"]


def told(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, answer.body
    body: dict[str, object] = json.loads(answer.body)
    return body


def cleared(answer: Answer) -> bool:
    morsel = cookie_of(answer)
    return (morsel.value, morsel["max-age"], morsel["path"]) == ("", "0", "/api/v1/auth")


async def signed_in(app: FastAPI) -> str:
    return cookie_of(await post(app, "token", *LOGIN, IN_COOKIE)).value


async def test_the_cookie_is_the_browsers_own(app: FastAPI, service: Service) -> None:
    answer = await post(app, "token", *LOGIN, IN_COOKIE)
    assert told(answer)["refresh_token"] is None
    assert told(answer)["access_token"]
    morsel = cookie_of(answer)
    assert len(morsel.value) > 40
    assert morsel.value not in answer.body.decode()
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, "strict")
    assert (morsel["path"], morsel["max-age"]) == ("/api/v1/auth", str(TokenPolicy().refresh_s))
    assert morsel["domain"] == "", "for this host alone"


async def test_without_tls_it_is_not_secure(service: Service) -> None:
    """A browser would not keep it else; the quick start has no TLS."""
    app = opened(service, https=False)
    for scheme in ("http", "https"):
        origin = (("origin", f"{scheme}://faces.example:8443"),)
        answer = await post(app, "token", *LOGIN, IN_COOKIE, headers=origin)
        assert cookie_of(answer)["secure"] == ""


async def test_behind_a_proxy_it_has_the_path_that_the_browser_sees(app: FastAPI) -> None:
    seen: list[dict[str, object]] = []
    asked = {**scope("POST", "/face/api/v1/auth/token", (HOST, FORM[1], *OWN_PAGE)), "root_path": "/face"}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": form(*LOGIN, IN_COOKIE), "more_body": False}

    async def send(message: dict[str, object]) -> None:
        seen.append(message)

    await app(asked, receive, send)  # type: ignore[arg-type]
    headers = dict(seen[0]["headers"])  # type: ignore[call-overload]
    assert b"Path=/face/api/v1/auth;" in headers[b"set-cookie"]


@pytest.mark.parametrize("parts", [(), (("refresh_in", "body"),)])
async def test_other_clients_get_it_in_the_answer(app: FastAPI, parts: tuple[tuple[str, str], ...]) -> None:
    answer = await post(app, "token", *LOGIN, *parts, headers=())
    token = str(told(answer)["refresh_token"])
    assert "set-cookie" not in answer.headers
    again = await post(app, "token", *REFRESH, ("refresh_token", token), *parts, headers=())
    assert told(again)["refresh_token"] not in (None, token)
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize("parts", [(), (("refresh_in", "body"),), (IN_COOKIE,)])
async def test_refreshing_from_the_cookie_sets_the_next_one(
    app: FastAPI, parts: tuple[tuple[str, str], ...]
) -> None:
    first = await signed_in(app)
    answer = await post(app, "token", *REFRESH, *parts, cookie=first)
    assert told(answer)["refresh_token"] is None, "never in the body, whatever a script asks for"
    second = cookie_of(answer).value
    assert second not in (first, "")
    assert told(await post(app, "token", *REFRESH, cookie=second, headers=()))["access_token"], "no browser"


async def test_a_token_of_the_form_goes_before_the_cookie(app: FastAPI) -> None:
    kept = await signed_in(app)
    other = str(told(await post(app, "token", *LOGIN))["refresh_token"])
    moved = await post(app, "token", *REFRESH, ("refresh_token", other), IN_COOKIE, cookie=kept)
    assert told(moved)["refresh_token"] is None
    assert told(await post(app, "token", *REFRESH, cookie=cookie_of(moved).value))
    assert told(await post(app, "token", *REFRESH, cookie=kept)), "it was not used"


async def test_a_token_that_was_used_ends_the_sign_in_and_the_cookie(
    app: FastAPI, store: Store, clock: HandClock
) -> None:
    first = await signed_in(app)
    second = cookie_of(await post(app, "token", *REFRESH, cookie=first)).value
    clock.move(60)
    for token in (first, second):
        answer = await post(app, "token", *REFRESH, cookie=token)
        assert (answer.status, answer.code) == (401, "not_signed_in")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert cleared(answer)
    assert (await recorded(store))[-1]["reason"] == "refresh_token_reused"


async def test_a_token_of_the_form_that_does_not_count_leaves_the_cookie(app: FastAPI) -> None:
    answer = await post(app, "token", *REFRESH, ("refresh_token", "x"), cookie="kept")
    assert (answer.status, answer.code) == (401, "not_signed_in")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("cookie", [None, ""])
async def test_without_a_cookie_there_is_nothing_to_refresh(app: FastAPI, cookie: str | None) -> None:
    answer = await post(app, "token", *REFRESH, cookie=cookie)
    assert (answer.status, answer.code) == (422, "refresh_token_missing")


@pytest.mark.parametrize("headers", FOREIGN)
async def test_pages_of_other_addresses_use_it_for_nothing(
    app: FastAPI, headers: tuple[tuple[str, str], ...], store: Store
) -> None:
    answer = await post(app, "token", *LOGIN, IN_COOKIE)
    kept, access = cookie_of(answer).value, told(answer)["access_token"]
    before = await recorded(store)
    bearer = ("authorization", f"Bearer {access}")
    for refused in (
        await post(app, "token", *REFRESH, cookie=kept, headers=headers),
        await post(app, "token", *LOGIN, IN_COOKIE, headers=headers),
        await post(app, "logout", cookie=kept, headers=(*headers, bearer)),
    ):
        assert (refused.status, refused.code) == (403, "foreign_page")
        assert "set-cookie" not in refused.headers
    assert await recorded(store) == before, "no password was tried, no sign-in ended"
    assert told(await post(app, "token", *REFRESH, cookie=kept)), "it still counts"


async def test_signing_out_ends_it_and_clears_it(app: FastAPI) -> None:
    answer = await post(app, "token", *LOGIN, IN_COOKIE)
    kept, bearer = cookie_of(answer).value, ("authorization", f"Bearer {told(answer)['access_token']}")
    out = await post(app, "logout", cookie=kept, headers=(*OWN_PAGE, bearer))
    assert (out.status, cleared(out)) == (200, True)
    assert (await post(app, "token", *REFRESH, cookie=kept)).status == 401


async def test_signing_out_of_a_token_of_the_form_leaves_the_cookie(app: FastAPI) -> None:
    kept = await signed_in(app)
    other = told(await post(app, "token", *LOGIN))
    bearer = ("authorization", f"Bearer {other['access_token']}")
    given = ("refresh_token", str(other["refresh_token"]))
    out = await post(app, "logout", given, cookie=kept, headers=(*OWN_PAGE, bearer))
    assert out.status == 200
    assert "set-cookie" not in out.headers
    assert told(await post(app, "token", *REFRESH, cookie=kept))
