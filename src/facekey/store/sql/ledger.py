"""Attempt limits and decisions in the database: a failure and its record are one transaction."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from facekey.core.attempts import AttemptPolicy, Claim, Failures, Result
from facekey.core.audit import AuditEvent, AuditValue, pseudonym
from facekey.core.errors import EnrolmentGone
from facekey.core.networks import network_of
from facekey.core.ports.audit import Receipt
from facekey.core.ports.measures import UNMEASURED, LockOutMeter
from facekey.core.types import SubjectId
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import attempts, subjects
from facekey.store.sql.times import text_of, time_of, written

NAME_HEX = 32
SYSTEM = "system"
LOCKED = "locked"
ADDRESS, SIGN_IN = "address", "sign_in"
"""Faces and passwords from one address are counted apart: who fails before a camera of an office, or
is said to by an application, must not keep the office's operators from signing in."""


class SqlLedger:
    """Implements `core.ports.attempts.Ledger` and `Locks`.

    Users and addresses are counted under keyed pseudonyms, known users and unknown alike.
    """

    def __init__(
        self,
        database: Database,
        audit: SqlAuditLog,
        policy: AttemptPolicy,
        *,
        pseudonym_key: bytes,
        meter: LockOutMeter = UNMEASURED,
    ) -> None:
        """Take the key under which people appear in the log, and who counts those kept out."""
        self._database = database
        self._audit = audit
        self._policy = policy
        self._key = pseudonym_key
        self._meter = meter

    async def admit(self, claim: Claim, *, at: datetime) -> None:
        """Let an attempt through.

        Raises:
            AttemptsExhausted: too many failed before.
            StoreUnavailable: it is not known how many did.
        """
        keys = self._keys(claim)
        counted = await self._database.read(lambda connection: read_failures(connection, keys))
        for failures in counted.values():
            self._policy.admit(failures, at)

    async def settle(self, event: AuditEvent, claim: Claim, result: Result) -> Receipt:
        """Write one decision and what it counts for.

        Writers take turns, so of many attempts at the same moment each sees the failures of
        those before it, and no more are answered than one after the other would have been.

        Raises:
            AttemptsExhausted: others failed so often meanwhile that the decision must not be given.
            EnrolmentGone: who was let in is not enrolled any more.
            StoreUnavailable: it is not on record.
        """
        kept_out: list[str] = []

        async def settling(connection: Connection) -> Receipt:
            if result is not Result.NEITHER:
                kept_out.extend(await self._count(connection, event, claim, result))
            if result is Result.SUCCESS and event.subject_id is not None:
                lookup = self._audit.names.lookup(event.subject_id)
                await _let_in(connection, lookup, claim.enrolment, event.at)
            return await self._audit.append_within(connection, event)

        receipt = await self._database.write(settling)
        for kind in kept_out:
            self._meter.locked_out(kind)
        return receipt

    async def failures(self, claim: Claim) -> Failures | None:
        """The highest counter of a claim that names one user or one address."""
        keys = self._named_by(claim)
        counted = await self._database.read(lambda connection: read_failures(connection, keys))
        return max(counted.values(), key=lambda failures: failures.count, default=None)

    async def failures_of(self, subject_ids: Sequence[SubjectId]) -> Mapping[SubjectId, Failures]:
        """The counters of several users at once; those without failures are left out."""
        keys = {user_key(subject_id, self._key): subject_id for subject_id in subject_ids}
        counted = await self._database.read(lambda connection: read_failures(connection, list(keys)))
        return {keys[key]: failures for key, failures in counted.items()}

    async def unlock(self, claim: Claim, event: AuditEvent) -> bool:
        """Forget the failures of a user or an address; False when there were none.

        Raises:
            StoreUnavailable: nothing was changed.
        """

        async def unlocking(connection: Connection) -> bool:
            keys = self._named_by(claim)
            known = await read_failures(connection, keys)
            await connection.execute(delete(attempts).where(attempts.c.key.in_(keys)))
            await self._audit.append_within(connection, event)
            return bool(known)

        return await self._database.write(unlocking)

    async def _count(
        self, connection: Connection, event: AuditEvent, claim: Claim, result: Result
    ) -> list[str]:
        """Count, and give the kinds of counters that keep somebody out from now on."""
        kept_out, keys = [], self._keys(claim)
        counted = await read_failures(connection, keys)
        for failures in counted.values():
            self._policy.admit(failures, event.at)
        for key in keys:
            kind = key.partition(":")[0]
            before, shared = counted.get(key), kind in (ADDRESS, SIGN_IN)
            if result is Result.SUCCESS:
                after = self._policy.succeeded(before, shared=shared)
            else:
                after = self._policy.failed(before, event.at)
            await _put(connection, key, before, after)
            if after is not None and (after.wait_until is not None or after.locked_at is not None):
                kept_out.append(kind)
            if after is not None and after.locked_at is not None:
                details: dict[str, AuditValue] = {"failures": after.count, "of": kind}
                subject_id = event.subject_id if kind == "user" else None
                await self._audit.append_within(
                    connection,
                    AuditEvent(
                        "lock_out", SYSTEM, subject_id, LOCKED, "too_many_failures", event.at, details
                    ),
                )
        return kept_out

    def _keys(self, claim: Claim) -> list[str]:
        keys = []
        if claim.subject_id is not None:
            keys.append(user_key(claim.subject_id, self._key))
        if claim.address is not None:
            keys.append(
                self._named(ADDRESS if claim.operator is None else SIGN_IN, network_of(claim.address))
            )
        if claim.operator is not None:
            keys.append(self._named("operator", claim.operator))
        return keys

    def _named_by(self, claim: Claim) -> list[str]:
        """The counters that an operator means; of an address, both."""
        keys = self._keys(claim)
        if claim.address is not None and claim.operator is None:
            keys.append(self._named(SIGN_IN, network_of(claim.address)))
        return keys

    def _named(self, kind: str, name: str) -> str:
        digest = hmac.new(self._key, f"{kind}\0{name}".encode(), hashlib.sha256).hexdigest()
        return f"{kind}:{digest[:NAME_HEX]}"


def user_key(subject_id: SubjectId, pseudonym_key: bytes) -> str:
    """The key under which a user's failures are counted; an erasure removes it."""
    return f"user:{pseudonym(subject_id, pseudonym_key)}"


async def read_failures(connection: Connection, keys: list[str]) -> dict[str, Failures]:
    """The counters of some keys; those without failures have none."""
    rows = await connection.execute(select(attempts).where(attempts.c.key.in_(keys)))
    return {
        row.key: Failures(
            row.failures,
            datetime.fromisoformat(row.last_failed_at),
            time_of(row.wait_until),
            time_of(row.locked_at),
        )
        for row in rows
    }


async def _let_in(connection: Connection, lookup: str, enrolment: str | None, at: datetime) -> None:
    """Note the day on which somebody was let in, who must still be there.

    Writers take turns: who is there now is there when the decision is committed. The day is
    written once, since every change leaves an old row behind.

    Raises:
        EnrolmentGone: nobody has this id, or somebody else has.
    """
    found = await connection.execute(
        select(subjects.c.uid, subjects.c.last_seen_on).where(subjects.c.lookup == lookup)
    )
    row = found.one_or_none()
    if row is None or enrolment not in (None, row.uid):
        raise EnrolmentGone("the person was erased in the meantime; nothing was decided")
    day = at.date().isoformat()
    if row.last_seen_on is None or row.last_seen_on < day:
        await connection.execute(update(subjects).where(subjects.c.uid == row.uid).values(last_seen_on=day))


async def _put(connection: Connection, key: str, before: Failures | None, after: Failures | None) -> None:
    if after is None:
        if before is not None:
            await connection.execute(delete(attempts).where(attempts.c.key == key))
        return
    values = {
        "failures": after.count,
        "last_failed_at": written(after.last_at),
        "wait_until": text_of(after.wait_until),
        "locked_at": text_of(after.locked_at),
    }
    if before is None:
        await connection.execute(insert(attempts).values(key=key, **values))
    else:
        await connection.execute(update(attempts).where(attempts.c.key == key).values(**values))
