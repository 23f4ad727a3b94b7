"""Follow audit: operators see records as they are written, by one look at the log for all of them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from facekey.core.audit import AuditEvent, AuditValue, ChainedRecord
from facekey.core.caller import Caller
from facekey.core.ports.alerts import AuditTail
from facekey.core.ports.audit import AuditLog
from facekey.core.ports.clocks import Clock
from facekey.services.read_audit import ACTION

LOOKS_S = 0.8
"""How often the log is looked at while anybody follows it: with the look itself, within a second."""

WAKE_S = 1.0
PAGE = 500
KEPT = 1000


class FollowAudit:
    """Gives every follower each new record once, in order. Idle while nobody follows."""

    def __init__(self, *, tail: AuditTail, audit: AuditLog, clock: Clock, wake_s: float = WAKE_S) -> None:
        """Take where records are read and where it is put on record that somebody follows.

        Args:
            tail: the end of the log.
            audit: the log itself.
            clock: for the record.
            wake_s: how long a follower waits for news before it is given a turn without any.
        """
        self._tail = tail
        self._audit = audit
        self._clock = clock
        self._wake_s = wake_s
        self._followers = 0
        self._recent: deque[ChainedRecord] = deque(maxlen=KEPT)
        self._newest = 0
        self._news = asyncio.Event()

    async def open(
        self, after: int | None, *, caller: Caller
    ) -> AsyncGenerator[Sequence[ChainedRecord], None]:
        """Records after this one, or from now on, without end; at least once a second a turn without any.

        That somebody follows is one record, written before the first is given.

        Raises:
            Unavailable: the request could not be put on record, or the log can't be read.
        """
        details: dict[str, AuditValue] = {"after": after}
        at = self._clock.now()
        receipt = await self._audit.append(
            AuditEvent(ACTION, caller.actor, None, "followed", "requested", at, details)
        )
        return self._follow(receipt.sequence if after is None else after, receipt.sequence)

    async def look(self) -> None:
        """Take in what is new, for all who follow.

        Raises:
            StoreUnavailable: it can't be looked at now.
        """
        if not self._followers:
            return
        tail = await self._tail.since(self._newest + 1, most=PAGE)
        if tail.records:
            self._recent.extend(tail.records)
            self._newest = tail.records[-1].sequence
            self._news.set()
            self._news = asyncio.Event()

    async def _follow(self, seen: int, written: int) -> AsyncGenerator[Sequence[ChainedRecord], None]:
        if not self._followers:
            # What happened while nobody followed is read by whoever asks for it.
            self._recent.clear()
            self._newest = written
        self._followers += 1
        try:
            while True:
                news = self._news
                records = await self._later(seen)
                if records:
                    seen = records[-1].sequence
                    yield records
                    continue
                try:
                    async with asyncio.timeout(self._wake_s):
                        await news.wait()
                except TimeoutError:
                    yield ()
        finally:
            self._followers -= 1

    async def _later(self, seen: int) -> Sequence[ChainedRecord]:
        if seen >= self._newest:
            return ()
        if self._recent and self._recent[0].sequence <= seen + 1:
            return [record for record in self._recent if record.sequence > seen]
        return (await self._tail.since(seen + 1, most=PAGE)).records
