"""Retain: nothing is kept longer than it may be."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from facekey.core.caller import Caller, Role
from facekey.core.consent import ConsentRule
from facekey.core.errors import SubjectUnknown
from facekey.core.ports.clocks import Clock
from facekey.core.ports.privacy import Limits, Overdue, Retention, Traces
from facekey.core.ports.shared import SingleUse
from facekey.services.erase import Erase, ErasureReceipt

log = structlog.get_logger(__name__)

RETENTION = Caller("retention", Role.ADMIN)
"""Whose doing it is on record: nobody asked, time did."""

TURN_S = 3600.0
TURN = "retention/turn"


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long things are kept.

    Attributes:
        unused: people who weren't let in for so long are erased; None keeps them.
        grace: for so long, people whose consent has lapsed may still give it anew.
        spoofs: for so long, evidence of suspected spoofs stays.
        traces: for so long, counters of failures, ended tokens and sent messages stay.
    """

    rule: ConsentRule
    unused: timedelta | None
    grace: timedelta
    spoofs: timedelta
    traces: timedelta

    def limits(self, at: datetime) -> Limits:
        """The same as dates."""
        return Limits(
            self.rule,
            None if self.unused is None else (at - self.unused).date(),
            at - self.grace,
            at - self.spoofs,
            at - self.traces,
        )


@dataclass(frozen=True, slots=True)
class Retained:
    """What one run found.

    Attributes:
        overdue: whose time was over; erased, unless it was a dry run.
        receipts: of those who were erased by this run.
    """

    overdue: tuple[Overdue, ...]
    receipts: tuple[ErasureReceipt, ...]
    traces: Traces


class Retain:
    """Erases whose time is over, each with a record and a receipt, and removes old traces."""

    def __init__(self, *, retention: Retention, erase: Erase, policy: RetentionPolicy, clock: Clock) -> None:
        """Take what finds them and what erases."""
        self._retention = retention
        self._erase = erase
        self._policy = policy
        self._clock = clock

    async def __call__(self, *, dry_run: bool = False) -> Retained:
        """Go once over everybody. May be broken off, and run by several services at once.

        Raises:
            KeyUnavailable, SealBroken: somebody's row can't be opened.
            StoreUnavailable: what was erased so far is erased.
        """
        limits = self._policy.limits(self._clock.now())
        if dry_run:
            return Retained(tuple(await self._retention.overdue(limits)), (), Traces())
        found: list[Overdue] = []
        receipts: list[ErasureReceipt] = []
        while overdue := await self._retention.overdue(limits):
            for one in overdue:
                with suppress(SubjectUnknown):  # somebody else erased them meanwhile
                    receipts.append(await self._erase(one.subject_id, caller=RETENTION, reason=one.reason))
                    log.info(
                        "erased_by_retention",
                        subject=receipts[-1].said.subject,
                        reason=one.reason,
                        audit_sequence=receipts[-1].receipt.sequence,
                        kid=receipts[-1].signature.kid,
                        signature=receipts[-1].signature.value.hex(),
                    )
            found += overdue
        return Retained(tuple(found), tuple(receipts), await self._retention.clear(limits))


def in_turn(retain: Callable[[], Awaitable[object]], single_use: SingleUse) -> Callable[[], Awaitable[None]]:
    """The same work for the background of many services, of which one an hour does it."""

    async def when_it_is_our_turn() -> None:
        if await single_use.put(TURN, "taken", ttl_s=TURN_S):
            await retain()

    return when_it_is_our_turn
