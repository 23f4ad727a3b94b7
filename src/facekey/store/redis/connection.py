"""One Redis, and its failures in our words. The only file that imports redis-py."""

import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.core.ports.measures import UNMEASURED, StoreMeter

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 1.0
POOL_TIMEOUT_S = 1.0
CONNECTIONS = 32
HEALTH_CHECK_S = 5
SCHEMES = ("redis://", "rediss://", "unix://")

LISTEN_S = 5.0

Word = str | bytes | int


class _Client(Protocol):
    """The part of redis-py that is used; it has no types of its own."""

    async def execute_command(self, *words: Word) -> object: ...

    async def aclose(self) -> None: ...


class _Pool(Protocol):
    def make_connection(self) -> object: ...


class _Subscription(Protocol):
    async def subscribe(self, channel: str) -> None: ...

    async def get_message(self, *, timeout: float) -> dict[str, object] | None: ...  # noqa: ASYNC109 - theirs

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Script:
    """Lua that Redis runs in one step.

    Attributes:
        digest: what Redis calls it.
    """

    text: str = field(repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the script as Redis does."""
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "digest", digest)


class RedisConnection:
    """A pool of connections that come back by themselves. Nothing here shows the address or the password."""

    def __init__(self, url: str, *, meter: StoreMeter = UNMEASURED) -> None:
        """Take the address; nothing is opened before it is needed.

        Args:
            url: of Redis.
            meter: told how long each question took, with the wait for a connection.

        Raises:
            SettingsInvalid: it is none.
        """
        if not url.startswith(SCHEMES):
            raise SettingsInvalid(f"REDIS_URL must begin with {', '.join(SCHEMES)}")
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=POOL_TIMEOUT_S,
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=ANSWER_TIMEOUT_S,
                health_check_interval=HEALTH_CHECK_S,
                # A connection that Redis closed while it lay idle is opened anew, once. What took too
                # long isn't asked again: one second is what a request may lose here.
                retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            )
            cast("_Pool", pool).make_connection()  # options are looked at only there; nothing is opened
        except (ValueError, TypeError):
            raise SettingsInvalid(
                "REDIS_URL can't be used: redis://[user:password@]host[:port][/number], rediss:// for TLS"
            ) from None  # the original may hold the password
        self._meter = meter
        self._pool = pool
        self._opened: Redis = Redis(connection_pool=pool)
        self._redis = cast("_Client", self._opened)

    async def call(self, *words: Word) -> object:
        """Run one command; texts come back as bytes.

        Raises:
            StoreUnavailable: there was no answer, or a refusal.
        """
        async with self._told():
            answer: object = await self._redis.execute_command(*words)
        return answer

    async def run(self, script: Script, keys: Sequence[str], words: Sequence[Word] = ()) -> object:
        """Run a script.

        Raises:
            StoreUnavailable: there was no answer, or a refusal.
        """
        rest = (len(keys), *keys, *words)
        async with self._told():
            try:
                answer: object = await self._redis.execute_command("EVALSHA", script.digest, *rest)
            except NoScriptError:  # Redis was started anew
                answer = await self._redis.execute_command("EVAL", script.text, *rest)
        return answer

    async def messages(self, channel: str) -> AsyncGenerator[bytes | None]:
        """What is said on a channel: None once it is listened to, then each message.

        Raises:
            StoreUnavailable: the connection is lost; what is said meanwhile isn't heard.
        """
        subscription = cast("_Subscription", self._opened.pubsub(ignore_subscribe_messages=True))
        try:
            await subscription.subscribe(channel)
            yield None
            while True:
                message = await subscription.get_message(timeout=LISTEN_S)
                if message is not None and isinstance(data := message.get("data"), bytes):
                    yield data
        except (RedisError, OSError) as error:
            raise unavailable(error) from None
        finally:
            with suppress(RedisError, OSError):
                await subscription.aclose()

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        """Errors in our words, and how long it took."""
        began, failed = time.perf_counter(), False
        try:
            yield
        except (RedisError, OSError) as error:
            failed = True
            raise unavailable(error) from None
        finally:
            self._meter.asked("redis", "call", time.perf_counter() - began, failed=failed)

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
        await self._pool.disconnect()


def unavailable(error: Exception) -> StoreUnavailable:
    """The failure, by its kind alone: redis-py's sentences hold addresses."""
    return StoreUnavailable(f"Redis did not answer as it must: {type(error).__name__}")
