"""What the database keeps longer than it may."""

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from facekey.core.consent import ConsentRule
from facekey.core.ports.privacy import Limits, Overdue, Traces
from facekey.core.voice import PURPOSE as VOICE
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.names import open_id
from facekey.store.sql.tables import (
    attempts,
    consents,
    outbox,
    refresh_tokens,
    spoof_evidence,
    subjects,
    voice_templates,
)
from facekey.store.sql.times import written

AT_ONCE = 200
UNUSED, LAPSED = "unused", "consent_lapsed"


class SqlRetention:
    """Implements `core.ports.privacy.Retention`."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Take the keys that ids are sealed with."""
        self._database = database
        self._ring = ring

    async def overdue(self, limits: Limits) -> list[Overdue]:
        """Whose time is over; some at once.

        Raises:
            KeyUnavailable, SealBroken: a row can't be opened.
            StoreUnavailable: the database did not answer.
        """
        return await self._database.read(lambda connection: self._overdue(connection, limits))

    async def clear(self, limits: Limits) -> Traces:
        """Remove old traces. A lock-out stays until an operator lifts it.

        Raises:
            StoreUnavailable: nothing was removed.
        """
        before = written(limits.traces_before)

        async def clearing(connection: Connection) -> Traces:
            failures = await connection.execute(
                delete(attempts).where(attempts.c.last_failed_at < before, attempts.c.locked_at.is_(None))
            )
            tokens = await connection.execute(
                delete(refresh_tokens).where(refresh_tokens.c.expires_at < before)
            )
            sent = await connection.execute(
                delete(outbox).where(or_(outbox.c.sent_at < before, outbox.c.failed_at < before))
            )
            spoofs = await connection.execute(
                delete(spoof_evidence).where(spoof_evidence.c.taken_at < written(limits.spoofs_before))
            )
            voices = await connection.execute(delete(voice_templates).where(_voice_lapsed(limits)))
            return Traces(failures.rowcount, tokens.rowcount, sent.rowcount, spoofs.rowcount, voices.rowcount)

        return await self._database.write(clearing)

    async def _overdue(self, connection: Connection, limits: Limits) -> list[Overdue]:
        lapsed = _lapsed(limits)
        rows = await connection.execute(
            select(
                subjects.c.uid,
                subjects.c.lookup,
                subjects.c.sealed_id,
                subjects.c.wrapped_key,
                lapsed.label("lapsed"),
            )
            .where(or_(lapsed, *_unused(limits)))
            .order_by(subjects.c.uid)
            .limit(AT_ONCE)
        )
        return [
            Overdue(
                open_id(
                    self._ring.unwrap(bytes(row.wrapped_key), row.uid),
                    bytes(row.sealed_id),
                    uid=row.uid,
                    lookup=row.lookup,
                ),
                LAPSED if row.lapsed else UNUSED,
            )
            for row in rows
        ]


def _lapsed(limits: Limits) -> ColumnElement[bool]:
    before = written(limits.lapsed_before)
    ended = and_(subjects.c.consent_until.is_not(None), subjects.c.consent_until < before)
    if limits.rule is ConsentRule.OPTIONAL:
        return ended
    # Never asked: the time of grace begins with their enrolment.
    return or_(ended, and_(subjects.c.consent_until.is_(None), subjects.c.enrolled_at < before))


def _voice_lapsed(limits: Limits) -> ColumnElement[bool]:
    """Voices whose last consent to this purpose ended before, by the rule that holds for faces."""
    before, of_voice = written(limits.lapsed_before), consents.c.purpose == VOICE
    holding = select(consents.c.subject_uid).where(
        of_voice,
        or_(consents.c.withdrawn_at.is_(None), consents.c.withdrawn_at >= before),
        or_(consents.c.expires_at.is_(None), consents.c.expires_at >= before),
    )
    whose = voice_templates.c.subject_uid
    asked: ColumnElement[bool] = whose.in_(select(consents.c.subject_uid).where(of_voice))
    if limits.rule is ConsentRule.REQUIRED:
        asked = or_(asked, voice_templates.c.enrolled_at < before)
    return and_(whose.not_in(holding), asked)


def _unused(limits: Limits) -> list[ColumnElement[bool]]:
    if limits.unused_since is None:
        return []
    # An enrolment is an interaction, too. Text of times and of days compares by the day.
    seen = func.coalesce(subjects.c.last_seen_on, func.substr(subjects.c.enrolled_at, 1, 10))
    return [seen < limits.unused_since.isoformat()]
