import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from facekey.api.limits import AtOnce, BodyLimit, RequestLimits
from facekey.api.problems import http_problem
from tests.unit.api.requests import DISCONNECT, FORM, LOCAL, Answer, ask, form, swallow

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


def held(answered: asyncio.Event) -> ASGIApp:
    """An application that reads the body and answers when it may."""

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        await answered.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})

    return patient


def with_state(app: ASGIApp) -> ASGIApp:
    outer = FastAPI()

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "app": outer}, receive, send)

    return inside


async def running(count: int, app: ASGIApp, **request: Any) -> list[asyncio.Task[Answer]]:
    """Requests that are being worked on."""
    tasks = [asyncio.create_task(ask(app, "POST", **request)) for _ in range(count)]
    for _ in range(20):
        await asyncio.sleep(0)
    return tasks


async def test_bodies_share_what_memory_there_is() -> None:
    may = asyncio.Event()
    app = ExceptionMiddleware(
        BodyLimit(held(may), max_bytes=LIMIT, all_bytes=2 * LIMIT), handlers={HTTPException: told}
    )
    first = await running(2, app, body=[b"a" * 90])
    headers = (*LOCAL, ("content-length", "21"))
    for refused in (await ask(app, "POST", body=[b"a" * 21]), await ask(app, "POST", headers=headers)):
        assert (refused.status, refused.code) == (503, "overloaded")
        assert refused.headers["retry-after"] == "1"
    small = await running(1, app, body=[b"a" * 20])
    may.set()
    assert [answer.body for answer in await asyncio.gather(*first, *small)] == [b"90", b"90", b"20"]
    assert (await ask(app, "POST", body=[b"a" * LIMIT])).status == 200, "all of it is free again"


async def test_what_is_announced_and_not_sent_takes_no_room() -> None:
    app = ExceptionMiddleware(
        BodyLimit(swallow, max_bytes=LIMIT, all_bytes=LIMIT), handlers={HTTPException: told}
    )
    headers = (*LOCAL, ("content-length", str(LIMIT)))
    silent = await running(5, app, headers=headers, body=[b"a"], ends=False)
    assert (await ask(app, "POST", body=[b"a" * (LIMIT - 5)])).status == 200
    for task in silent:
        task.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
    assert (await ask(app, "POST", body=[b"a" * LIMIT])).status == 200


async def test_one_of_the_largest_always_fits() -> None:
    app = BodyLimit(swallow, max_bytes=LIMIT, all_bytes=1)
    assert (await ask(app, "POST", body=[b"a" * LIMIT])).status == 200


async def test_places_are_counted_and_given_back() -> None:
    may = asyncio.Event()
    app = with_state(AtOnce(held(may), limits=RequestLimits(at_once=3, at_once_per_address=2)))
    first = await running(2, app)
    alone = await ask(app, "POST")
    assert (alone.status, alone.code, alone.headers["retry-after"]) == (429, "too_many_at_once", "1")
    other = await running(1, app, client=("192.0.2.7", 1))
    full = await ask(app, "POST", client=("192.0.2.8", 1))
    assert (full.status, full.code, full.headers["retry-after"]) == (503, "overloaded", "1")
    may.set()
    assert (await ask(app, "GET", "/health")).status == 200, "who watches is let in"
    assert [answer.status for answer in await asyncio.gather(*first, *other)] == [200, 200, 200]
    assert (await ask(app, "POST")).status == 200


async def test_a_place_is_given_back_when_the_request_fails() -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("defect")

    app = with_state(AtOnce(broken, limits=RequestLimits(at_once=1)))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="defect"):
            await ask(app, "POST")


@pytest.mark.parametrize("name", ["at_once", "at_once_per_address", "body_bytes_at_once"])
def test_limits_let_something_through(name: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        RequestLimits(**{name: 0})
