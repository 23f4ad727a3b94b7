"""Deliver: send the messages of one channel that are due."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from facekey.core.alerts import Message, RetryPolicy
from facekey.core.errors import DeliveryFailed, FaceKeyError
from facekey.core.ports.alerts import Claimed, Notifier, Outbox, SubjectNames
from facekey.core.ports.clocks import Clock
from facekey.core.types import SubjectId

SEND_S = 30.0
LEASE_S = 2 * SEND_S  # longer than a send can take: no other process sends the same meanwhile

log = structlog.get_logger(__name__)


class Deliver:
    """Empties one channel of the outbox; run again and again in the background.

    Each message arrives at least once: a process that dies between handing it over and
    noting that leaves it to the next. The message's uid tells the two apart.
    """

    def __init__(
        self,
        *,
        channel: str,
        outbox: Outbox,
        notifier: Notifier,
        clock: Clock,
        chance: Callable[[], float],
        names: SubjectNames | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Take `names` only where messages may name people; `chance` gives random numbers, 0..1."""
        self._channel = channel
        self._outbox = outbox
        self._notifier = notifier
        self._clock = clock
        self._chance = chance
        self._names = names
        self._retry = retry or RetryPolicy()

    async def __call__(self) -> int:
        """Send what is due, until there is no more or one fails; give how many left.

        Raises:
            StoreUnavailable: the outbox can't be used; what was taken is due again after its lease.
        """
        sent = 0
        while True:
            claimed = await self._outbox.claim(self._channel, at=self._clock.now(), lease_s=LEASE_S)
            if claimed is None:
                return sent
            try:
                await self._send(claimed.message)
            except DeliveryFailed as failure:
                await self._failed(claimed, str(failure))
                return sent
            await self._outbox.sent(claimed, at=self._clock.now())
            sent += 1

    async def _send(self, message: Message) -> None:
        message = replace(message, name=await self._name_of(message.subject))
        try:
            async with asyncio.timeout(SEND_S):
                await self._notifier.send(message)
        except TimeoutError as error:
            raise DeliveryFailed(f"not handed over within {SEND_S:.0f} s") from error

    async def _name_of(self, subject: str | None) -> SubjectId | None:
        """Who it is, where that may be told and can be. Without a name an alert is still an alert."""
        if self._names is None or subject is None:
            return None
        try:
            return await self._names.name_of(subject)
        except FaceKeyError as error:  # a row that somebody broke must not keep operators from hearing of it
            log.warning("alert_without_name", error=type(error).__name__, cause=str(error))
            return None

    async def _failed(self, claimed: Claimed, why: str) -> None:
        wait_s = self._retry.wait_s(claimed.tries, self._chance())
        await self._outbox.failed(claimed, why, at=self._clock.now(), wait_s=wait_s)
        said = {"channel": self._channel, "uid": claimed.message.uid, "kind": str(claimed.message.kind)}
        if wait_s is None:
            log.error("alert_given_up", **said, tries=claimed.tries, cause=why)
        else:
            log.warning("alert_not_sent", **said, tries=claimed.tries, cause=why, next_try_s=round(wait_s, 1))
