import asyncio

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from facekey.api.limits import BodyLimit
from facekey.api.problems import http_problem
from tests.unit.api.requests import DISCONNECT, FORM, LOCAL, ask, form, swallow

LIMIT = 100


async def told(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return http_problem(error)


def limited(timeout_s: float = 10.0) -> ASGIApp:
    return ExceptionMiddleware(
        BodyLimit(swallow, max_bytes=LIMIT, timeout_s=timeout_s), handlers={HTTPException: told}
    )


@pytest.mark.parametrize("parts", [[b"a" * LIMIT], [b"a" * 60, b"b" * 40], [b""]])
async def test_what_fits_passes(parts: list[bytes]) -> None:
    length = sum(len(part) for part in parts)
    for headers in (LOCAL, (*LOCAL, ("content-length", str(length)))):
        answer = await ask(limited(), "POST", headers=headers, body=parts)
        assert (answer.status, answer.body) == (200, str(length).encode())


@pytest.mark.parametrize("parts", [[b"a" * (LIMIT + 1)], [b"a" * 60, b"b" * 41], [b"a" * 101, b"b"]])
async def test_a_body_that_grows_too_large_is_refused(parts: list[bytes]) -> None:
    for headers in (LOCAL, (*LOCAL, ("content-length", "10"))):
        answer = await ask(limited(), "POST", headers=headers, body=parts, ends=False)
        assert (answer.status, answer.code) == (413, "request_too_large")


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 18, "9" * 5000])
async def test_a_body_that_is_announced_too_large_is_not_read(length: str) -> None:
    answer = await ask(limited(), "POST", headers=(*LOCAL, ("content-length", length)), ends=False)
    assert (answer.status, answer.code) == (413, "request_too_large")


@pytest.mark.parametrize("length", ["-1", "abc", "", "1e3", "0x10", "+5", "1.0", "\xb2", "5, 5"])
async def test_a_length_that_is_no_number_is_malformed(length: str) -> None:
    for headers in ((("content-length", length),), (("content-length", length), ("content-length", "1"))):
        answer = await ask(limited(), "POST", headers=(*LOCAL, *headers), ends=False)
        assert (answer.status, answer.code) == (400, "request_malformed")


@pytest.mark.parametrize(("parts", "pause_s"), [([b"a"], 0.0), ([b"a"] * 50, 0.01), ([b"a"], 5.0)])
async def test_a_body_that_trickles_is_given_up(parts: list[bytes], pause_s: float) -> None:
    answer = await ask(limited(0.05), "POST", body=parts, ends=False, pause_s=pause_s)
    assert (answer.status, answer.code) == (408, "request_too_slow")


async def test_waiting_for_the_client_to_leave_has_no_limit() -> None:
    seen: list[str] = []

    async def patient(_: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive())["type"])
        await asyncio.sleep(0.05)
        seen.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    await ask(BodyLimit(patient, max_bytes=LIMIT, timeout_s=0.02))
    assert seen == ["http.request", "http.disconnect"]


async def test_other_protocols_are_not_touched() -> None:
    started = []

    async def lifespan(scope: Scope, *_: object) -> None:
        started.append(scope["type"])

    await BodyLimit(lifespan, max_bytes=1)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert started == ["lifespan"]


async def test_the_whole_application_refuses_in_the_same_words(app: FastAPI) -> None:
    large = form(("image", b"a" * 300_000))
    answer = await ask(app, "POST", "/api/v1/identify", headers=FORM, body=[large[:200_000], large[200_000:]])
    assert (answer.status, answer.code) == (413, "request_too_large")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_client_that_goes_away_is_no_defect(app: FastAPI) -> None:
    part = form(("image", b"a" * 1000))[:500]
    answer = await ask(app, "POST", "/api/v1/identify", headers=FORM, body=[part, DISCONNECT])
    assert answer.code == "request_malformed"
