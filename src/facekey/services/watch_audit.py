"""Watch audit: look at the newest part of the log again and again, and tell when it doesn't add up."""

from datetime import datetime, timedelta

import structlog

from facekey.core.alerts import audit_broken
from facekey.core.audit import EMPTY, ChainCheck, Head, head_key_of, open_head
from facekey.core.errors import AuditBroken, StoreUnavailable
from facekey.core.ports.alerts import Alarm, AuditTail, Tail
from facekey.core.ports.clocks import Clock
from facekey.core.vitals import AuditLook

NEWEST = 1000
PAGE = 2000
TOLD_AGAIN_AFTER = timedelta(days=1)

log = structlog.get_logger(__name__)


class TellAuditBroken:
    """Makes an alert of a break that was found. It has no audit record: the log may take none."""

    def __init__(self, *, alarm: Alarm, clock: Clock) -> None:
        """Take where alerts go."""
        self._alarm = alarm
        self._clock = clock
        self._told: tuple[int, datetime] | None = None

    async def __call__(self, error: AuditBroken) -> None:
        """Tell, once a day for each break; what can't be told is in the log of the service."""
        now = self._clock.now()
        if self._told is not None:
            record, at = self._told
            if record == error.sequence and now - at < TOLD_AGAIN_AFTER:
                return
        log.error("audit_broken", record=error.sequence, cause=str(error))
        try:
            await self._alarm.tell(audit_broken(error, now))
        except StoreUnavailable as failure:
            log.error("alert_not_kept", kind="audit_broken", cause=str(failure))  # noqa: TRY400 - one line
            return
        self._told = (error.sequence, now)


class CheckTail:
    """Follows the end of the log: what was seen must stay, and what comes must follow.

    The first look takes the newest records as they are; `VerifyAudit` checks all of them.
    """

    def __init__(self, *, tail: AuditTail, pseudonym_key: bytes) -> None:
        """Take the key that the head's key is derived from."""
        self._tail = tail
        self._head_key = head_key_of(pseudonym_key)
        self._known: Head | None = None

    async def __call__(self) -> Head:
        """Check what is new; give where the log ends.

        Raises:
            AuditBroken: names the first record that doesn't add up.
            StoreUnavailable: it can't be looked at now.
        """
        if self._known is None:
            tail = await self._tail.newest(NEWEST)
            known = _before(tail)
        else:
            known = self._known
            tail = await self._tail.since(known.sequence, most=PAGE)
        while True:
            head = self._head(tail)
            if head.sequence < known.sequence:
                raise AuditBroken(
                    known.sequence, "gone, though it was seen before: the log was cut or put back"
                )
            reached = _follow(tail, known)
            if reached == head:
                self._known = head
                return head
            if reached.sequence >= head.sequence:
                raise AuditBroken(
                    head.sequence, "isn't where the records end; the log was changed behind its head"
                )
            if len(tail.records) < PAGE:
                raise AuditBroken(reached.sequence + 1, "missing; the sealed head of the log knows of more")
            known = reached
            tail = await self._tail.since(known.sequence, most=PAGE)

    def _head(self, tail: Tail) -> Head:
        if tail.head is not None:
            return open_head(tail.head, self._head_key)
        if tail.records:
            raise AuditBroken(tail.records[-1].sequence, "no sealed head says that it is the last")
        return EMPTY


class WatchAudit:
    """Checks the tail of the log and tells of a break; run again and again in the background."""

    def __init__(self, *, check: CheckTail, tell: TellAuditBroken, clock: Clock) -> None:
        """Take what finds a break and what tells of it."""
        self._check = check
        self._tell = tell
        self._clock = clock
        self._last: AuditLook | None = None

    @property
    def last(self) -> AuditLook | None:
        """What the last look found; None before the first."""
        return self._last

    async def __call__(self) -> Head | None:
        """Look once; give where the log ends, None when it is broken.

        Raises:
            StoreUnavailable: it can't be looked at now.
        """
        try:
            head = await self._check()
        except AuditBroken as error:
            self._last = AuditLook(self._clock.now(), intact=False)
            await self._tell(error)
            return None
        self._last = AuditLook(self._clock.now(), intact=True)
        return head


def _before(tail: Tail) -> Head:
    """Where the chain was before the first record that was read."""
    if not tail.records:
        return EMPTY
    first = tail.records[0]
    return EMPTY if first.sequence == 1 else Head(first.sequence - 1, first.previous)


def _follow(tail: Tail, known: Head) -> Head:
    """Check records that begin with the one that is known, or with the one after it."""
    check = ChainCheck()
    check.head = known
    records = tail.records
    if records and records[0].sequence == known.sequence:
        if records[0].digest != known.digest:
            raise AuditBroken(known.sequence, "isn't the one that was seen before")
        records = records[1:]
    for record in records:
        check.take(record)
    return check.head
