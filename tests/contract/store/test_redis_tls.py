"""Redis behind TLS: a real handshake in front of a real Redis."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from facekey.core.errors import StoreUnavailable
from facekey.store.redis.connection import RedisConnection
from tests.receivers import make_certificate
from tests.servers import RedisServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, with its key, that vouches for itself."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "redis.pem")


@asynccontextmanager
async def in_tls(certificate: Path, port: int) -> AsyncIterator[int]:
    """A port that speaks TLS and hands on what it hears."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_certificate_that_is_vouched_for_is_taken(
    redis_server: RedisServer, certificate: Path
) -> None:
    async with in_tls(certificate, redis_server.port) as port:
        redis = RedisConnection(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}")
        assert await redis.call("PING")
        await redis.close()


@pytest.mark.parametrize("scheme", ["rediss", "redis"])
async def test_any_other_is_refused(redis_server: RedisServer, certificate: Path, scheme: str) -> None:
    async with in_tls(certificate, redis_server.port) as port:
        redis = RedisConnection(f"{scheme}://127.0.0.1:{port}/0")
        with pytest.raises(StoreUnavailable):
            await redis.call("PING")
        await redis.close()
