"""A real uvicorn on a real port, and clients that don't behave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from facekey.api.server import MAX_HEAD_BYTES, GuardedHttp
from tests.unit.api.sockets import PATIENCE_S

REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"


class Hasty(GuardedHttp):
    head_s = 0.3


@asynccontextmanager
async def listening(http: type[GuardedHttp] = GuardedHttp, *, most: int | None = None) -> AsyncIterator[int]:
    app = FastAPI()

    @app.post("/")
    async def index() -> str:
        await asyncio.sleep(0)
        return "here"

    config = uvicorn.Config(app, port=0, http=http, log_config=None, lifespan="off", limit_concurrency=most)
    server = uvicorn.Server(config)
    served = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await served


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server closes."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("said", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: localhost\r\n", b"\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(said: bytes) -> None:
    async with listening(Hasty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_head_that_trickles_is_cut_off() -> None:
    async with listening(Hasty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\n")

        async def trickle() -> None:
            while True:
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        # A line that was still on its way makes the system reset the connection, and the answer is lost.
        assert (await rest(reader))[:13] in {b"HTTP/1.1 408 ", b""}
        trickling.cancel()
        writer.close()


async def test_the_second_request_has_the_same_time() -> None:
    async with listening(Hasty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(REQUEST)
            assert (await reader.readuntil(b'"here"')).startswith(b"HTTP/1.1 200 ")
        writer.write(b"POST / HTTP/1.1\r\n")
        assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_head_without_end_is_refused() -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\n" + b"X-A: " + b"b" * MAX_HEAD_BYTES)
        assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_a_large_body_is_no_head() -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = b"a" * (4 * MAX_HEAD_BYTES)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert (await reader.readuntil(b'"here"')).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_connections_beyond_the_limit_are_not_taken() -> None:
    async with listening(most=3) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await rest(reader) == b""
        writer.close()
        for _, one in silent:
            one.close()
