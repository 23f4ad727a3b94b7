"""Who may ask for what, over HTTP and over a stream, in a service that is not open."""

import json
from collections.abc import Mapping

import jwt
import pytest
from fastapi import FastAPI

from facekey.api.access import is_protected
from facekey.api.app import Doors, create_app
from facekey.api.service import Service
from facekey.core.caller import Caller, Permission, Role
from facekey.core.types import SubjectId
from tests.contract.store.opened import Store
from tests.unit.api.requests import FORM, Answer, ask, form
from tests.unit.api.sockets import Socket, start
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import Accounts, HandClock, Playback, person, recorded, services
from tests.unit.services.staged import Stage

PASSWORD = "correct horse battery"
AUDIENCE = "https://shop.example"
HOST = (("host", "faces.example"),)
OUTSIDE = ("203.0.113.9", 4321)

Keys = Mapping[str, str]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def accounts(store: Store, stage: Stage) -> Accounts:
    return Accounts(store, HandClock(), stage.ticker, open_to_all=False)


@pytest.fixture
def service(store: Store, analyzer: Playback, stage: Stage, accounts: Accounts) -> Service:
    return services(store, analyzer, stage, accounts=accounts)


@pytest.fixture
def app(service: Service) -> FastAPI:
    doors = Doors(open_to_this_machine=False, https=True, cors_origins=("https://console.example",))
    built = create_app(service, max_image_bytes=10_000, doors=doors)
    built.state.service = service
    return built


@pytest.fixture
async def keys(accounts: Accounts) -> Keys:
    """A credential for each role."""
    made = await accounts.manage.add_operator("ada", Role.ADMIN, caller=CALLER)
    await accounts.sign_in.change_password("ada", made.one_time_password, PASSWORD, address=None)
    admin = await accounts.sign_in("ada", PASSWORD, address=None)
    operator = await accounts.manage.add_api_key("console", Role.OPERATOR, caller=CALLER)
    application = await accounts.manage.add_api_key("shop", Role.SERVICE, audience=AUDIENCE, caller=CALLER)
    return {
        Role.ADMIN: admin.access_token,
        Role.OPERATOR: operator.key,
        Role.SERVICE: application.key,
    }


async def call(
    app: FastAPI, method: str, path: str, key: str | None = None, *, body: bytes = b"", query: bytes = b""
) -> Answer:
    headers = HOST if key is None else (*HOST, ("authorization", f"Bearer {key}"))
    if body:
        kind = "application/json" if body.startswith(b"{") else FORM[1][1]
        headers = (*headers, ("content-type", kind))
    return await ask(app, method, path, headers=headers, body=[body], query=query, client=OUTSIDE)


OPEN = {
    "/",
    "/health",
    "/health/ready",
    "/health/live",
    "/.well-known/jwks.json",
    "/.well-known/facekey-audit-keys.pem",
    "/api/v1/auth/token",
    "/api/v1/auth/password",
}
"""Everything that can be asked for without signing in; a new route is not among them by accident."""


def routes(app: FastAPI) -> list[tuple[str, str]]:
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]


async def test_every_other_route_wants_to_know_who_asks(app: FastAPI) -> None:
    wanted = [(method, path) for method, path in routes(app) if path not in OPEN]
    assert len(wanted) > 15
    for method, path in wanted:
        assert is_protected(path), path
        answer = await call(app, method, path)
        assert (answer.status, answer.code) == (401, "not_signed_in"), path
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Basic YWRhOng=",
        "Bearer x",
        "Bearer fk_x",
        "bearer e30.e30.x",
        "fk_x",
        "Bearer é",
    ],
)
async def test_credentials_that_do_not_count(app: FastAPI, authorization: str) -> None:
    headers = (*HOST, ("authorization", authorization))
    answer = await ask(app, "GET", "/api/v1/system/info", headers=headers)
    assert (answer.status, answer.code) == (401, "not_signed_in")


async def test_an_application_is_told_what_it_may(app: FastAPI, keys: Keys) -> None:
    me = json.loads((await call(app, "GET", "/api/v1/auth/me", keys[Role.SERVICE])).body)
    assert me["actor"].startswith("api_key:")
    assert (me["name"], me["role"], me["open"]) == (None, "service", False)
    assert me["permissions"] == ["enrol", "recognise"]


async def test_an_open_service_says_so_without_being_shown_anything(store: Store, analyzer: Playback) -> None:
    opened = create_app(services(store, analyzer), max_image_bytes=10_000)
    opened.state.service = services(store, analyzer)
    me = json.loads((await ask(opened, "GET", "/api/v1/auth/me")).body)
    assert me == {
        "actor": "open",
        "name": None,
        "role": "admin",
        "permissions": sorted(Permission),
        "open": True,
    }


async def test_an_operator_who_is_gone_has_no_name(accounts: Accounts) -> None:
    assert await accounts.know_caller.name_of(Caller("operator:gone", Role.ADMIN)) is None


async def test_people_are_listed_with_how_they_stand(app: FastAPI, keys: Keys, analyzer: Playback) -> None:
    photos = [("images", photo) for photo in analyzer.photos_of(person(1))]
    body = form(("user_id", "alice"), *photos)
    assert (await call(app, "POST", "/api/v1/register", keys[Role.SERVICE], body=body)).status == 200
    for who in (person(1), person(2)):
        body = form(("user_id", "alice"), ("image", analyzer.photo(evidence(who))))
        await call(app, "POST", "/api/v1/authenticate", keys[Role.SERVICE], body=body)
    page = json.loads((await call(app, "GET", "/api/v1/users", keys[Role.OPERATOR], query=b"q=LIC")).body)
    assert (page["total"], page["next_after"]) == (1, None)
    (alice,) = page["users"]
    standing = {"last_seen_on": "2026-01-02", "failures": 1, "wait_until": None, "locked_at": None}
    assert alice.items() >= standing.items()
    one = json.loads((await call(app, "GET", "/api/v1/users/alice", keys[Role.ADMIN])).body)
    assert one == alice
    one = json.loads((await call(app, "GET", "/api/v1/users/alice", keys[Role.SERVICE])).body)
    assert one == alice | {"last_seen_on": None, "failures": 0}
    none = json.loads((await call(app, "GET", "/api/v1/users", keys[Role.OPERATOR], query=b"q=bob")).body)
    assert none == {"users": [], "total": 1, "next_after": None}


@pytest.mark.parametrize("query", [b"q=", b"q=" + 129 * b"a"])
async def test_searches_for_nothing_or_too_much(app: FastAPI, keys: Keys, query: bytes) -> None:
    answer = await call(app, "GET", "/api/v1/users", keys[Role.OPERATOR], query=query)
    assert (answer.status, answer.code) == (422, "request_invalid")


async def test_two_credentials_are_none(app: FastAPI, keys: Keys) -> None:
    twice = [("authorization", f"Bearer {key}") for key in (keys[Role.ADMIN], keys[Role.SERVICE])]
    assert (await ask(app, "GET", "/api/v1/system/info", headers=(*HOST, *twice))).status == 401


async def test_who_may_not_ask_is_told_before_the_body_is_read(app: FastAPI) -> None:
    answer = await ask(app, "POST", "/api/v1/register", headers=(*HOST, FORM[1]), body=[b"x"], ends=False)
    assert answer.status == 401


ADMINISTRATION = [
    ("GET", "/api/v1/operators"),
    ("POST", "/api/v1/operators"),
    ("DELETE", "/api/v1/operators/ada"),
    ("POST", "/api/v1/operators/ada/reset_password"),
    ("GET", "/api/v1/api_keys"),
    ("POST", "/api/v1/api_keys"),
    ("DELETE", "/api/v1/api_keys/x"),
]
OPERATION = [("GET", "/api/v1/users"), ("GET", "/api/v1/attempts"), ("POST", "/api/v1/attempts/unlock")]


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        *[(role, *route) for role in (Role.OPERATOR, Role.SERVICE) for route in ADMINISTRATION],
        *[(Role.SERVICE, *route) for route in OPERATION],
    ],
)
async def test_the_endpoints_of_another_role(
    app: FastAPI, keys: Keys, role: Role, method: str, path: str
) -> None:
    body = b'{"name": "new-one"}' if method == "POST" else b""
    answer = await call(app, method, path, keys[role], body=body)
    assert (answer.status, answer.code) == (403, "not_allowed")


async def test_an_application_recognises_and_enrols(
    app: FastAPI, keys: Keys, analyzer: Playback, store: Store
) -> None:
    images = [("images", photo) for photo in analyzer.photos_of(person(1))]
    body = form(("user_id", "alice"), *images)
    assert (await call(app, "POST", "/api/v1/register", keys[Role.SERVICE], body=body)).status == 200
    assert (await recorded(store))[-1]["actor"].startswith("api_key:")  # type: ignore[attr-defined]
    assert (await call(app, "GET", "/api/v1/users/alice", keys[Role.SERVICE])).status == 200
    assert (await call(app, "DELETE", "/api/v1/users/alice", keys[Role.SERVICE])).status == 200


async def test_signing_in_from_the_first_password_to_the_last_token(app: FastAPI, keys: Keys) -> None:
    made = await call(
        app, "POST", "/api/v1/operators", keys[Role.ADMIN], body=b'{"name": "bob", "role": "operator"}'
    )
    assert made.status == 201
    one_time = json.loads(made.body)["one_time_password"]
    login = form(("username", "bob"), ("password", one_time))
    early = await call(app, "POST", "/api/v1/auth/token", body=login)
    assert (early.status, early.code) == (403, "password_change_required")
    change = form(("username", "bob"), ("password", one_time), ("new_password", PASSWORD))
    assert (await call(app, "POST", "/api/v1/auth/password", body=change)).status == 200
    answer = await call(
        app, "POST", "/api/v1/auth/token", body=form(("username", "bob"), ("password", PASSWORD))
    )
    tokens = json.loads(answer.body)
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 600)
    me = json.loads((await call(app, "GET", "/api/v1/auth/me", tokens["access_token"])).body)
    permissions = ["enrol", "list_people", "read_records", "recognise", "unlock", "watch"]
    assert me == {
        "actor": f"operator:{json.loads(made.body)['operator']['uid']}",
        "name": "bob",
        "role": "operator",
        "permissions": permissions,
        "open": False,
    }
    refresh = form(("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"]))
    fresh = json.loads((await call(app, "POST", "/api/v1/auth/token", body=refresh)).body)
    out = form(("refresh_token", fresh["refresh_token"]))
    assert (await call(app, "POST", "/api/v1/auth/logout", fresh["access_token"], body=out)).status == 200
    gone = await call(app, "GET", "/api/v1/auth/me", fresh["access_token"])
    assert (gone.status, gone.code) == (401, "not_signed_in")
    again = form(("grant_type", "refresh_token"), ("refresh_token", fresh["refresh_token"]))
    assert (await call(app, "POST", "/api/v1/auth/token", body=again)).status == 401


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ((), "credentials_missing"),
        ((("username", "ada"),), "credentials_missing"),
        ((("grant_type", "refresh_token"),), "refresh_token_missing"),
        ((("grant_type", "implicit"),), "request_invalid"),
        ((("username", "x" * 65), ("password", "x")), "request_invalid"),
        ((("username", "ada"), ("password", "x" * 129)), "request_invalid"),
    ],
)
async def test_sign_ins_that_make_no_sense(
    app: FastAPI, fields: tuple[tuple[str, str], ...], code: str
) -> None:
    answer = await call(app, "POST", "/api/v1/auth/token", body=form(*fields))
    assert (answer.status, answer.code) == (422, code)


async def test_guessing_is_answered_429_with_the_time_to_wait(app: FastAPI, keys: Keys) -> None:
    guess = form(("username", "ada"), ("password", "wrong"))
    answers = [await call(app, "POST", "/api/v1/auth/token", body=guess) for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert (answers[-1].code, answers[-1].headers["retry-after"]) == ("too_many_attempts", "30")


async def test_wrong_faces_are_answered_429_until_an_operator_unlocks(
    app: FastAPI, keys: Keys, analyzer: Playback
) -> None:
    async def attempt(address: str) -> Answer:
        image = ("image", analyzer.photo(evidence(person(2))))
        body = form(("user_id", "alice"), ("client_address", address), image)
        return await call(app, "POST", "/api/v1/authenticate", keys[Role.SERVICE], body=body)

    answers = [await attempt(f"192.0.2.{number}") for number in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[-1].code == "too_many_attempts"
    standing = await call(app, "GET", "/api/v1/attempts", keys[Role.OPERATOR], query=b"user_id=alice")
    assert json.loads(standing.body)["failures"] == 5
    unlock = await call(app, "POST", "/api/v1/attempts/unlock", keys[Role.OPERATOR], query=b"user_id=alice")
    assert json.loads(unlock.body) == {"success": True, "was_limited": True}
    assert (await attempt("192.0.2.77")).status == 200


@pytest.mark.parametrize("query", [b"", b"user_id=a&address=192.0.2.1", b"address=nowhere", b"user_id=a%0Ab"])
async def test_limits_of_nobody(app: FastAPI, keys: Keys, query: bytes) -> None:
    assert (await call(app, "GET", "/api/v1/attempts", keys[Role.ADMIN], query=query)).status == 422


async def test_nobody_but_an_application_names_the_address_of_others(
    app: FastAPI, keys: Keys, analyzer: Playback, service: Service
) -> None:
    body = form(
        ("user_id", "alice"), ("client_address", "192.0.2.7"), ("image", analyzer.photo(evidence(person(2))))
    )
    await call(app, "POST", "/api/v1/authenticate", keys[Role.ADMIN], body=body)
    for address, failures in (("192.0.2.7", 0), (OUTSIDE[0], 1)):
        told = await call(
            app, "GET", "/api/v1/attempts", keys[Role.ADMIN], query=f"address={address}".encode()
        )
        assert json.loads(told.body)["failures"] == failures


async def test_an_api_key_is_made_shown_once_and_revoked(app: FastAPI, keys: Keys) -> None:
    admin = keys[Role.ADMIN]
    made = json.loads((await call(app, "POST", "/api/v1/api_keys", admin, body=b'{"name": "door"}')).body)
    assert (await call(app, "GET", "/api/v1/system/info", made["key"])).status == 200
    listed = await call(app, "GET", "/api/v1/api_keys", admin)
    assert {one["name"] for one in json.loads(listed.body)} == {"console", "shop", "door"}
    assert made["key"].encode() not in listed.body
    path = f"/api/v1/api_keys/{made['api_key']['uid']}"
    assert (await call(app, "DELETE", path, admin)).status == 200
    assert (await call(app, "GET", "/api/v1/system/info", made["key"])).status == 401
    assert (await call(app, "DELETE", path, admin)).code == "account_unknown"
    again = await call(app, "POST", "/api/v1/api_keys", admin, body=b'{"name": "door"}')
    assert (again.status, again.code) == (409, "account_exists")


async def test_operators_are_listed_reset_and_disabled(app: FastAPI, keys: Keys) -> None:
    admin = keys[Role.ADMIN]
    await call(app, "POST", "/api/v1/operators", admin, body=b'{"name": "bob"}')
    listed = json.loads((await call(app, "GET", "/api/v1/operators", admin)).body)
    assert [(one["name"], one["must_choose_password"]) for one in listed] == [("ada", False), ("bob", True)]
    assert (await call(app, "POST", "/api/v1/operators/bob/reset_password", admin)).status == 200
    assert (await call(app, "DELETE", "/api/v1/operators/bob", admin)).status == 200
    last = await call(app, "DELETE", "/api/v1/operators/ada", admin)
    assert (last.status, last.code) == (422, "last_admin")


async def enrolled(service: Service, analyzer: Playback) -> None:
    await service.register(SubjectId("alice"), analyzer.photos_of(person(1)), caller=CALLER)


@pytest.mark.parametrize(("seed", "given"), [(1, True), (2, False)])
async def test_a_face_token_is_given_to_whom_it_was_and_to_nobody_else(  # noqa: PLR0917
    app: FastAPI, keys: Keys, analyzer: Playback, service: Service, seed: int, given: bool
) -> None:
    await enrolled(service, analyzer)
    image = ("image", analyzer.photo(evidence(person(seed))))
    body = form(("user_id", "alice"), ("audience", AUDIENCE), image)
    told = json.loads((await call(app, "POST", "/api/v1/authenticate", keys[Role.SERVICE], body=body)).body)
    assert told["authenticated"] is given
    assert (told["token"] is not None, told["token_expires_in"] == 120) == (given, given)
    if given:
        key_set = json.loads((await call(app, "GET", "/.well-known/jwks.json")).body)
        key = jwt.PyJWKSet.from_dict(key_set).keys[0].key
        claims = jwt.decode(
            told["token"], key, algorithms=["ES256"], audience=AUDIENCE, options={"verify_exp": False}
        )
        assert (claims["sub"], claims["amr"], claims["liveness"]) == ("alice", ["face"], "passive")


@pytest.mark.parametrize(("audience", "status"), [("https://bank.example", 403), ("a b", 422)])
async def test_tokens_for_other_applications_are_refused_before_anything_is_compared(
    app: FastAPI, keys: Keys, analyzer: Playback, audience: str, status: int
) -> None:
    image = ("image", analyzer.photo(evidence(person(1))))
    body = form(("user_id", "alice"), ("audience", audience), image)
    answer = await call(app, "POST", "/api/v1/authenticate", keys[Role.SERVICE], body=body)
    assert answer.status == status
    assert analyzer.seen == []


async def test_a_stream_wants_to_know_who_asks(app: FastAPI, keys: Keys) -> None:
    async with Socket(app) as socket:
        socket.say(start())
        assert (await socket.hear("error"))["code"] == "not_signed_in"
    told = {**json.loads(start()), "access_token": keys[Role.SERVICE]}
    async with Socket(app) as socket:
        socket.say(json.dumps({**told, "audience": "https://bank.example"}))
        assert (await socket.hear("error"))["code"] == "not_allowed"
    async with Socket(app) as socket:
        socket.say(json.dumps(told))
        await socket.hear("connected")
        assert [one for one in socket.statuses if one["status"] == "error"] == []


async def test_pages_elsewhere_may_call_when_they_are_named(app: FastAPI) -> None:
    for origin, allowed in (("https://console.example", True), ("https://evil.example", False)):
        headers = (*HOST, ("origin", origin), ("access-control-request-method", "GET"))
        answer = await ask(app, "OPTIONS", "/api/v1/system/info", headers=headers)
        assert ("access-control-allow-origin" in answer.headers) is allowed
        assert "access-control-allow-credentials" not in answer.headers


async def test_tls_in_front_is_kept(app: FastAPI) -> None:
    assert "strict-transport-security" in (await call(app, "GET", "/health/live")).headers
