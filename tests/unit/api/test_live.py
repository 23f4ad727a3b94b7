"""Records as they come: line by line, bounded, and over when it must be."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from starlette.types import Message

from facekey.api.app import create_app
from facekey.api.lasting import HEARTBEAT_S, LASTS_S, MOST_PER_CALLER, Lasting
from facekey.api.limits import RequestLimits
from facekey.api.server import GuardedHttp
from facekey.api.service import Service
from facekey.core.errors import NotSignedIn
from tests.contract.store.opened import Store, event
from tests.unit.api.requests import ask, scope
from tests.unit.api.sockets import PATIENCE_S
from tests.unit.services.deployed import Playback, services
from tests.unit.services.staged import HandTicker, Stage

LIVE = "/api/v1/audit/live"


@dataclass
class Listener:
    """One client that reads what comes."""

    app: FastAPI
    query: bytes = b""
    sent: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        asked = {**scope(path=LIVE), "query_string": self.query, "state": {}}
        self.scope = asked
        self.task = asyncio.create_task(self.app(asked, self._receive, self.sent.put))
        self._bodies = [{"type": "http.request", "body": b"", "more_body": False}]

    async def _receive(self) -> Message:
        if self._bodies:
            return self._bodies.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def status(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return int((await self.sent.get())["status"])

    async def chunk(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return bytes((await self.sent.get())["body"])

    async def end(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.task


@asynccontextmanager
async def listening(app: FastAPI, query: bytes = b"") -> AsyncIterator[Listener]:
    listener = Listener(app, query)
    try:
        yield listener
    finally:
        listener.gone.set()
        await listener.end()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def service(store: Store, analyzer: Playback, stage: Stage) -> Service:
    made = services(store, analyzer, stage)
    made.follow_audit._wake_s = 0.01
    return made


@pytest.fixture
def app(service: Service) -> FastAPI:
    built = create_app(service, max_image_bytes=10_000, limits=RequestLimits(at_once=1))
    built.state.service = service
    return built


def shown(chunk: bytes) -> list[tuple[int, str]]:
    return [(record["sequence"], record["action"]) for record in map(json.loads, chunk.splitlines())]


async def test_records_come_line_by_line(app: FastAPI, store: Store, service: Service) -> None:
    await store.audit.append(event("authenticate", "alice"))
    async with listening(app, b"after=0") as listener:
        assert await listener.status() == 200
        assert shown(await listener.chunk()) == [(1, "authenticate"), (2, "read_audit")]
        listed = json.loads((await ask(app, path="/api/v1/audit", query=b"before=2")).body)["records"]
        await service.follow_audit.look()
        assert shown(await listener.chunk()) == [(3, "read_audit")]
    again = Listener(app, b"after=0&without_reads=true")
    await again.status()
    (record,) = map(json.loads, (await again.chunk()).splitlines())
    assert record == listed[0], "the same form as in the list"
    again.gone.set()
    await again.end()


async def test_it_holds_no_place_of_ordinary_requests(app: FastAPI) -> None:
    async with listening(app) as one:
        assert await one.status() == 200
        async with listening(app) as other:
            assert await other.status() == 200
            assert (await ask(app, path="/api/v1/audit")).status == 200


async def test_each_address_has_so_many(app: FastAPI, service: Service) -> None:
    held = []
    for _ in range(MOST_PER_CALLER):
        held.append(Listener(app))
        assert await held[-1].status() == 200
    assert (await ask(app, path=LIVE)).code == "too_many_at_once"
    held[0].gone.set()
    await held[0].end()
    async with listening(app) as freed:
        assert await freed.status() == 200
    for listener in held:
        listener.gone.set()
        await listener.end()
    assert (len(app.state.lasting_places), service.follow_audit._followers) == (0, 0)


async def test_what_cannot_be_recorded_holds_no_place(app: FastAPI, store: Store) -> None:
    await store.audit.append(event("authenticate", "alice"))
    await store.database.write(lambda connection: connection.execute(text("DELETE FROM audit_head")))
    assert (await ask(app, path=LIVE)).code == "audit_broken"
    assert (await ask(app, path=LIVE, query=b"after=-1")).code == "request_invalid"
    assert len(app.state.lasting_places) == 0


async def test_heartbeats_and_the_end(app: FastAPI, stage: Stage) -> None:
    async with listening(app, b"without_reads=true") as listener:
        assert await listener.status() == 200
        stage.ticker.now_s += HEARTBEAT_S
        assert await listener.chunk() == b"\n"
        stage.ticker.now_s += LASTS_S
        assert await listener.chunk() == b""
        await listener.end()


async def test_the_server_can_end_it(app: FastAPI) -> None:
    async with listening(app) as listener:
        assert await listener.status() == 200
        listener.scope["state"]["ends_lasting_answer"]()
        await listener.end()


async def turns(given: list[list[int]], ticker: HandTicker) -> AsyncGenerator[list[int], None]:
    for one in given:
        yield one
        ticker.now_s += HEARTBEAT_S


@pytest.mark.parametrize("allowed", [1, 2])
async def test_who_may_not_read_any_more_gets_no_more(allowed: int) -> None:
    ticker, asked = HandTicker(), []

    async def still_allowed() -> None:
        asked.append(ticker.now_s)
        if len(asked) > allowed:
            raise NotSignedIn("not any more")

    given = turns([[1], [2], [3], [4]], ticker)
    lines = Lasting(ticker, still_allowed).lines(
        given, lambda number: None if number == 2 else b"%d\n" % number
    )
    got = [line async for line in lines]
    assert got == [b"1\n", b"\n", b"3\n", b"\n", b"4\n"][: 1 + 2 * allowed]


async def test_a_server_that_stops_does_not_wait_for_it(app: FastAPI, service: Service) -> None:
    config = uvicorn.Config(app, port=0, http=GuardedHttp, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    served = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {LIVE}?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        await reader.readuntil(b"read_audit")
        server.should_exit = True
        rest = await reader.read()
        await served
    assert rest.endswith(b"0\r\n\r\n"), "a whole answer"
    writer.close()
