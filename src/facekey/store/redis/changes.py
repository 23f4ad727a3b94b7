"""Wake-ups for all replicas, over Redis's publish and subscribe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import structlog

from facekey.core.errors import StoreUnavailable
from facekey.core.ports.shared import Change, Listener
from facekey.store.memory.changes import MemoryChanges
from facekey.store.redis.connection import RedisConnection
from facekey.store.redis.envelope import Envelope

log = structlog.get_logger(__name__)

AGAIN_S = 0.5  # between attempts while Redis is away
CANCEL_S = 0.1


class RedisChanges:
    """Implements `core.ports.shared.Changes`.

    This process hears its own announcements at once; the others as soon as Redis passes them
    on. While Redis is away they hear nothing, and of everything when it is back.
    """

    def __init__(self, redis: RedisConnection, envelope: Envelope) -> None:
        """Take the Redis of all replicas; `running` makes it listen and speak."""
        self._redis = redis
        self._channel = envelope.key("changes")
        self._here = MemoryChanges()
        self._unsent: set[Change] = set()
        self._to_send = asyncio.Event()

    def announce(self, change: Change) -> None:
        """Tell every replica, this one included. Never waits and never fails."""
        self._here.announce(change)
        self._unsent.add(change)
        self._to_send.set()

    def listen(self) -> Listener:
        """Hear what is announced from now on."""
        return self._here.listen()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pass messages on, both ways, for as long as this is open."""
        tasks = {asyncio.create_task(self._speak()), asyncio.create_task(self._hear())}
        try:
            yield
        finally:
            pending = tasks
            while pending:
                for task in pending:
                    task.cancel()
                # Again and again: a task that is just connecting can miss that it was cancelled.
                _, pending = await asyncio.wait(pending, timeout=CANCEL_S)

    async def _speak(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            while self._unsent:
                change = next(iter(self._unsent))
                try:
                    await self._redis.call("PUBLISH", self._channel, change)
                except StoreUnavailable:
                    await asyncio.sleep(AGAIN_S)
                else:
                    self._unsent.discard(change)

    async def _hear(self) -> None:
        away = False
        while True:
            try:
                async with aclosing(self._redis.messages(self._channel)) as messages:
                    async for message in messages:
                        if away:
                            log.info("redis_wakes_again")
                            away = False
                        self._pass_on(message)
            except StoreUnavailable as error:
                if not away:
                    log.warning("redis_wakes_nobody", cause=str(error))
                    away = True
            await asyncio.sleep(AGAIN_S)

    def _pass_on(self, message: bytes | None) -> None:
        if message is None:  # it is listened to from now on, and something may have been said before
            for change in Change:
                self._here.announce(change)
            return
        # Anybody who reaches Redis can say anything; what is no change of ours is nothing.
        with suppress(ValueError):
            self._here.announce(Change(message.decode()))
