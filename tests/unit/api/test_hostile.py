"""Each role at each route, forged credentials, oversized and poisoned input; nothing is open."""

import base64
import json
from datetime import timedelta

import jwt
import pytest
from fastapi import FastAPI

from facekey.api.limits import SMALL_BODY_BYTES
from facekey.core.accounts import FaceTokenRequest
from facekey.core.caller import PERMISSIONS, Permission, Role
from facekey.core.types import SubjectId
from tests.contract.store.opened import Store
from tests.unit.api.requests import FORM, ask, form
from tests.unit.api.sockets import Socket
from tests.unit.api.test_access import (
    HOST,
    OPEN,
    PASSWORD,
    Keys,
    accounts,
    app,
    call,
    keys,
    routes,
    service,
    stage,
)
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import NOW, TOKEN_KEY, Accounts, Playback, person, recorded

__all__ = ["accounts", "app", "keys", "service", "stage"]  # fixtures

R, E, L = Permission.RECOGNISE, Permission.ENROL, Permission.LIST_PEOPLE
U, A, D, W = Permission.UNLOCK, Permission.READ_RECORDS, Permission.ADMINISTER, Permission.WATCH
USER = "/api/v1/users/user_id"

NEEDED: dict[tuple[str, str], Permission | None] = {
    ("GET", "/metrics"): W,
    ("POST", "/api/v1/auth/logout"): None,
    ("GET", "/api/v1/auth/me"): None,
    ("GET", "/api/v1/system/info"): None,
    ("GET", "/api/v1/system/doctor"): A,
    ("GET", "/api/v1/system/keys"): A,
    ("POST", "/api/v1/assess"): E,
    ("POST", "/api/v1/register"): E,
    ("POST", "/api/v1/authenticate"): R,
    ("POST", "/api/v1/identify"): R,
    ("GET", "/api/v1/users"): L,
    ("GET", USER): E,
    ("DELETE", USER): E,
    ("POST", "/api/v1/delete_user"): E,
    ("POST", "/api/v1/voice/enrol"): E,
    ("POST", "/api/v1/voice/verify"): R,
    ("DELETE", "/api/v1/voice/user_id"): E,
    ("GET", f"{USER}/consents"): E,
    ("POST", f"{USER}/consents"): E,
    ("POST", f"{USER}/consents/withdraw"): E,
    ("GET", f"{USER}/export"): E,
    ("GET", f"{USER}/labels"): E,
    ("PUT", f"{USER}/labels"): E,
    ("DELETE", f"{USER}/labels"): E,
    ("GET", f"{USER}/adaptation"): U,
    ("POST", f"{USER}/adaptation/undo"): U,
    ("GET", "/api/v1/attempts"): U,
    ("POST", "/api/v1/attempts/unlock"): U,
    ("GET", "/api/v1/bias/report"): A,
    ("GET", "/api/v1/audit"): A,
    ("GET", "/api/v1/audit/live"): A,
    ("GET", "/api/v1/spoofs"): A,
    ("GET", "/api/v1/spoofs/sequence"): A,
    ("GET", "/api/v1/audit/verify"): A,
    ("GET", "/api/v1/audit/export"): A,
    ("GET", "/api/v1/operators"): D,
    ("POST", "/api/v1/operators"): D,
    ("DELETE", "/api/v1/operators/name"): D,
    ("POST", "/api/v1/operators/name/reset_password"): D,
    ("GET", "/api/v1/api_keys"): D,
    ("POST", "/api/v1/api_keys"): D,
    ("DELETE", "/api/v1/api_keys/uid"): D,
}
"""What each route takes; None for anybody who is known. A new route must be written down here."""

JSON_ROUTES = ("/consents", "/labels", "/operators", "/api_keys")


async def test_every_route_at_the_hands_of_every_role(app: FastAPI, keys: Keys, accounts: Accounts) -> None:
    assert set(NEEDED) == {route for route in routes(app) if route[1] not in OPEN}
    monitor = await accounts.manage.add_api_key("prometheus", Role.MONITOR, caller=CALLER)
    held = {**keys, Role.MONITOR: monitor.key}
    for role in Role:
        for (method, path), needed in NEEDED.items():
            if path == "/api/v1/auth/logout":
                continue  # would end the sign-in that the others need
            takes_json = method in {"POST", "PUT"} and path.endswith(JSON_ROUTES)
            body = b'{"name": "x"}' if takes_json else b""
            status = (await call(app, method, path, held[role], body=body)).status
            allowed = needed is None or needed in PERMISSIONS[role]
            assert (status != 403, status in {401, 500}) == (allowed, False), (role, method, path, status)


async def test_metrics_are_for_those_who_run_the_service(app: FastAPI, accounts: Accounts) -> None:
    monitor = await accounts.manage.add_api_key("prometheus", Role.MONITOR, caller=CALLER)
    assert (await call(app, "GET", "/metrics")).status == 401
    assert b"process_" in (await call(app, "GET", "/metrics", monitor.key)).body


async def test_what_is_biometric_leaves_for_operators_only(
    app: FastAPI, keys: Keys, analyzer: Playback
) -> None:
    photos = [("images", photo) for photo in analyzer.photos_of(person(1))]
    body = form(("user_id", "alice"), *photos)
    assert (await call(app, "POST", "/api/v1/register", keys[Role.SERVICE], body=body)).status == 200
    path = "/api/v1/users/alice/export"
    refused = await call(app, "GET", path, keys[Role.SERVICE], query=b"vectors=true")
    assert (refused.status, refused.code) == (403, "not_allowed")
    plain = await call(app, "GET", path, keys[Role.SERVICE])
    assert "values" not in json.loads(plain.body)["template"]["models"][0]
    full = await call(app, "GET", path, keys[Role.OPERATOR], query=b"vectors=true")
    assert len(json.loads(full.body)["template"]["models"][0]["values"]) == 5


def stranger(**changed: object) -> str:
    """An access token as an attacker would write it."""
    claims: dict[str, object] = {
        "iss": "facekey",
        "aud": "facekey-api",
        "sub": "0" * 32,
        "jti": "1" * 32,
        "iat": NOW,
        "exp": NOW + timedelta(minutes=5),
    }
    return jwt.encode({**claims, **changed}, TOKEN_KEY.secret, "HS256", headers={"kid": TOKEN_KEY.kid})


def nested(depth: int) -> str:
    """A head of a token that is nothing but brackets."""
    return base64.urlsafe_b64encode(b"[" * depth).decode().rstrip("=") + ".e30.x"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(stranger(), id="an operator who does not exist"),
        pytest.param(stranger(exp=NOW - timedelta(seconds=1)), id="expired"),
        pytest.param(stranger(aud="shop"), id="another audience"),
        pytest.param(jwt.encode({"sub": "0"}, "", "none"), id="alg none"),
        pytest.param(nested(30_000), id="a head that nests"),
    ],
)
async def test_forged_tokens_at_the_door(app: FastAPI, keys: Keys, token: str) -> None:
    answer = await call(app, "GET", "/api/v1/auth/me", token)
    assert (answer.status, answer.code) == (401, "not_signed_in")


async def test_no_credential_does_for_another(app: FastAPI, keys: Keys, accounts: Accounts) -> None:
    me = json.loads((await call(app, "GET", "/api/v1/auth/me", keys[Role.ADMIN])).body)
    uid = me["actor"].partition(":")[2]
    face = accounts.face_tokens.issue(FaceTokenRequest(SubjectId(uid), "facekey-api", "challenge"))
    login = form(("username", "ada"), ("password", PASSWORD))
    tokens = json.loads((await call(app, "POST", "/api/v1/auth/token", body=login)).body)
    for shown in (face, tokens["refresh_token"]):
        assert (await call(app, "GET", "/api/v1/auth/me", shown)).status == 401
    for shown in (keys[Role.SERVICE], tokens["access_token"][:200]):
        body = form(("grant_type", "refresh_token"), ("refresh_token", shown))
        assert (await call(app, "POST", "/api/v1/auth/token", body=body)).status == 401
    for shown in (keys[Role.SERVICE], tokens["refresh_token"]):
        body = form(("username", "ada"), ("password", shown))
        assert (await call(app, "POST", "/api/v1/auth/token", body=body)).status == 401


@pytest.mark.parametrize("path", ["/api/v1/auth/token", "/api/v1/auth/password", "/api/v1/auth/logout"])
async def test_who_may_be_anybody_sends_no_large_bodies(app: FastAPI, keys: Keys, path: str) -> None:
    large = form(("username", b"x" * SMALL_BODY_BYTES))
    answer = await call(app, "POST", path, keys[Role.ADMIN], body=large)
    assert (answer.status, answer.code) == (413, "request_too_large")
    headers = (*HOST, FORM[1], ("content-length", str(SMALL_BODY_BYTES + 1)))
    unread = await ask(app, "POST", "/api/v1/auth/token", headers=headers, body=[b"x"], ends=False)
    assert unread.status == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(FORM[1][1], form(*[(f"field{n}", "x") for n in range(200)]), id="many fields"),
        pytest.param("application/x-www-form-urlencoded", b"a=b&" * 5000, id="many fields, urlencoded"),
        pytest.param(FORM[1][1], form(("username", "x" * 60_000), ("password", "x")), id="a long value"),
        pytest.param(
            FORM[1][1], form(("username", "\ufffd\0\r\n"), ("password", "")), id="control characters"
        ),
        pytest.param(FORM[1][1], b"--x\r\n" + b"a: b\r\n" * 5000, id="many headers of a part"),
    ],
)
async def test_oversized_forms_of_a_sign_in(app: FastAPI, kind: str, body: bytes) -> None:
    headers = (*HOST, ("content-type", kind))
    answer = await ask(app, "POST", "/api/v1/auth/token", headers=headers, body=[body])
    assert answer.status in {400, 422}
    assert answer.code


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b'{"labels":' * 6000, id="deep objects"),
        pytest.param(b'{"labels": {"a": ' + b"9" * 5000 + b"}}", id="a number of 5,000 digits"),
        pytest.param(b'{"labels": {"\\ud800": "x"}}', id="half a character as a name"),
        pytest.param(b'{"labels": {"gender": "\\udc00"}}', id="half a character as a value"),
        pytest.param(b'{"labels": {"gender": "woman\\r\\nBcc: x@y"}}', id="a line break"),
        pytest.param(b'{"labels": {"' + b"x" * 10_000 + b'": "x"}}', id="a long name"),
        pytest.param(json.dumps({"labels": {str(n): "x" for n in range(1000)}}).encode(), id="many names"),
        pytest.param(b'{"labels": NaN}', id="no number"),
        pytest.param(b"\xff\xfe{}", id="no text"),
    ],
)
async def test_json_that_is_made_to_harm(app: FastAPI, keys: Keys, body: bytes) -> None:
    headers = (
        *HOST,
        ("authorization", f"Bearer {keys[Role.SERVICE]}"),
        ("content-type", "application/json"),
    )
    answer = await ask(app, "PUT", "/api/v1/users/alice/labels", headers=headers, body=[body])
    assert answer.status in {400, 422}
    assert len(answer.body) < 5_000, "nobody gets long answers by long questions"
    assert answer.code


@pytest.mark.parametrize(
    "query", [b"user_id=" + b"x" * 60_000, b"&".join([b"user_id=a"] * 5000), b"%ff=%00&" * 5000]
)
async def test_huge_query_strings(app: FastAPI, keys: Keys, query: bytes) -> None:
    answer = await call(app, "POST", "/api/v1/delete_user", keys[Role.SERVICE], query=query)
    assert answer.status in {404, 422}


POISON = ["x\r\nBcc: thief@example.org", "x\ny", "x\x00y", "x\x1b[31m", "\u202etxt", "x\u2028y", "x\x7f"]


@pytest.mark.parametrize("poison", POISON)
async def test_text_that_reaches_mails_and_logs_is_one_plain_line(  # noqa: PLR0917
    app: FastAPI, keys: Keys, analyzer: Playback, store: Store, poison: str, capfd: pytest.CaptureFixture[str]
) -> None:
    service, admin = keys[Role.SERVICE], keys[Role.ADMIN]
    photos = [("images", photo) for photo in analyzer.photos_of(person(1))]
    image = ("image", analyzer.photo(evidence(person(2))))
    purpose, version = ("consent_purpose", poison), ("consent_text_version", poison)
    sent = [
        ("/api/v1/register", service, form(("user_id", poison), *photos)),
        (
            "/api/v1/register",
            service,
            form(("user_id", "a"), purpose, ("consent_text_version", "v1"), *photos),
        ),
        ("/api/v1/register", service, form(("user_id", "a"), ("consent_purpose", "door"), version, *photos)),
        ("/api/v1/authenticate", service, form(("user_id", poison), image)),
        ("/api/v1/authenticate", service, form(("user_id", "a"), ("client_address", poison), image)),
        ("/api/v1/authenticate", service, form(("user_id", "a"), ("audience", poison), image)),
        ("/api/v1/users/a/consents", service, json.dumps({"purpose": poison, "text_version": "v1"}).encode()),
        ("/api/v1/operators", admin, json.dumps({"name": poison}).encode()),
        ("/api/v1/api_keys", admin, json.dumps({"name": poison}).encode()),
        ("/api/v1/api_keys", admin, json.dumps({"name": "key", "audience": poison}).encode()),
    ]
    before = await recorded(store)
    capfd.readouterr()
    for path, key, body in sent:
        assert (await call(app, "POST", path, key, body=body)).status == 422, (path, body)
    assert await recorded(store) == before, "nothing of it is on record"
    logged = capfd.readouterr()
    assert poison not in logged.err + logged.out
    async with Socket(app, client_id=poison) as socket:
        assert (await socket.fatal())[0] == "client_id_invalid"


async def test_a_stream_is_refused_names_of_half_characters(app: FastAPI) -> None:
    async with Socket(app) as socket:
        socket.say('{"type": "start", "user_id": "a", "session_id": "b", "\\ud800": 1}')
        assert (await socket.fatal())[0] == "message_invalid"


def test_a_monitor_watches_and_does_nothing_else() -> None:
    assert PERMISSIONS[Role.MONITOR] == {Permission.WATCH}
    assert Permission.WATCH not in PERMISSIONS[Role.SERVICE]
