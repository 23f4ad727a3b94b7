"""Declared groups in the database, sealed; and what else bias monitoring reads there."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, delete, insert, or_, select

from facekey.core.audit import AuditEvent
from facekey.core.errors import ConsentMissing, SubjectUnknown
from facekey.core.labels import PURPOSE
from facekey.core.ports.bias import Labelled, Labels, Seen
from facekey.core.types import Reason, SubjectId
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.sealed_subjects import open_sealed, read_sealed
from facekey.store.sql.tables import audit, consents, labels, subjects
from facekey.store.sql.times import written

PAGE = 100  # people at once
RECORDS = 1000  # of the audit log, at once
DECIDED = '{"action":"authenticate'
ALARMED = '{"action":"bias_alarm"'


class SqlLabels:
    """Implements `core.ports.bias.LabelStore` and `LabelledPeople`."""

    def __init__(self, database: Database, ring: KeyRing, log: SqlAuditLog) -> None:
        """Take the database, its keys, and where changes go on record."""
        self._database = database
        self._ring = ring
        self._audit = log

    async def put(self, subject_id: SubjectId, declared: Labels, event: AuditEvent) -> None:
        """Replace a person's labels, with the audit record of it; the record doesn't say which.

        Raises:
            SubjectUnknown: there is nobody of that id.
            ConsentMissing: the person hasn't consented, or no longer.
            StoreUnavailable: nothing was changed.
        """

        async def putting(connection: Connection) -> None:
            uid, seal = await self._key_of(connection, subject_id)
            consent = select(consents.c.uid).where(consents.c.subject_uid == uid, _holds(event.at))
            if (await connection.execute(consent.limit(1))).first() is None:
                raise ConsentMissing(PURPOSE)
            await connection.execute(delete(labels).where(labels.c.subject_uid == uid))
            await connection.execute(
                insert(labels),
                [
                    {
                        "subject_uid": uid,
                        "attribute": attribute,
                        "sealed": seal.close(value.encode(), "label", uid, attribute),
                    }
                    for attribute, value in declared.items()
                ],
            )
            await self._audit.append_within(connection, event)

        await self._database.write(putting)

    async def get(self, subject_id: SubjectId) -> Labels:
        """A person's labels.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: they can't be told.
        """

        async def getting(connection: Connection) -> Labels:
            uid, seal = await self._key_of(connection, subject_id)
            return (await _opened(connection, {uid: seal}))[uid]

        return await self._database.read(getting)

    async def delete(self, subject_id: SubjectId, event: AuditEvent) -> None:
        """Forget a person's labels, with the audit record of it.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """

        async def deleting(connection: Connection) -> None:
            uid, _ = await self._key_of(connection, subject_id)
            await connection.execute(delete(labels).where(labels.c.subject_uid == uid))
            await self._audit.append_within(connection, event)

        await self._database.write(deleting)

    async def people(self, *, at: datetime, most: int) -> AsyncIterator[Labelled]:
        """Those whose consent holds at this time, in the order of random numbers."""
        after, left = "", most
        while left > 0:
            page = await self._database.read(partial(self._page, at=at, after=after, limit=min(PAGE, left)))
            for uid, one in page:
                after = uid
                yield one
            left -= len(page)
            if len(page) < PAGE:
                return

    async def decisions(self, pseudonyms: frozenset[str], *, since: datetime, most: int) -> Sequence[Seen]:
        """Their accepted and spoof-suspected attempts, the oldest first; of at most so many records."""
        found: list[Seen] = []
        before: int | None = None
        for _ in range(0, most, RECORDS):
            rows = await self._database.read(partial(_newest, begin=DECIDED, before=before))
            for sequence, body in rows:
                before = sequence
                told = json.loads(body)
                at = datetime.fromisoformat(told["at"])
                if at < since:
                    return found[::-1]
                if told["subject"] in pseudonyms and told["reason"] in (
                    Reason.LIVE_MATCH,
                    Reason.SPOOF_SUSPECTED,
                ):
                    found.append(Seen(told["subject"], at, told["reason"]))
            if len(rows) < RECORDS:
                break
        return found[::-1]

    async def alarms(self, *, since: datetime) -> frozenset[tuple[str, str, str]]:
        """Attribute, group and rate of each alarm on record since then."""
        rows = await self._database.read(partial(_newest, begin=ALARMED, before=None))
        told = [json.loads(body) for _, body in rows]
        return frozenset(
            (one["details"]["attribute"], one["details"]["group"], one["details"]["measure"])
            for one in told
            if datetime.fromisoformat(one["at"]) >= since
        )

    async def _page(
        self, connection: Connection, *, at: datetime, after: str, limit: int
    ) -> list[tuple[str, Labelled]]:
        consenting = select(consents.c.subject_uid).where(_holds(at))
        query = (
            select(labels.c.subject_uid)
            .where(labels.c.subject_uid > after, labels.c.subject_uid.in_(consenting))
            .distinct()
            .order_by(labels.c.subject_uid)
            .limit(limit)
        )
        uids = list((await connection.execute(query)).scalars())
        people = await read_sealed(connection, subjects.c.uid.in_(uids)) if uids else []
        declared = await _opened(
            connection, {one.uid: self._ring.unwrap(one.wrapped_key, one.uid) for one in people}
        )
        page = []
        for one in people:
            template = open_sealed(self._ring, one)
            pseudonym = self._audit.names.pseudonym(template.subject_id)
            page.append((one.uid, Labelled(declared[one.uid], template, pseudonym)))
        return page

    async def _key_of(self, connection: Connection, subject_id: SubjectId) -> tuple[str, Seal]:
        lookup = self._audit.names.lookup(subject_id)
        query = select(subjects.c.uid, subjects.c.wrapped_key).where(subjects.c.lookup == lookup)
        row = (await connection.execute(query)).first()
        if row is None:
            raise SubjectUnknown(subject_id)
        return row.uid, self._ring.unwrap(bytes(row.wrapped_key), row.uid)


def _holds(at: datetime) -> ColumnElement[bool]:
    """Consents to this purpose that hold at this time."""
    now = written(at)
    return (
        (consents.c.purpose == PURPOSE)
        & (consents.c.given_at <= now)
        & consents.c.withdrawn_at.is_(None)
        & or_(consents.c.expires_at.is_(None), consents.c.expires_at > now)
    )


async def _opened(connection: Connection, seals: dict[str, Seal]) -> dict[str, dict[str, str]]:
    rows = await connection.execute(
        select(labels).where(labels.c.subject_uid.in_(list(seals))).order_by(labels.c.attribute)
    )
    found: dict[str, dict[str, str]] = {uid: {} for uid in seals}
    for row in rows:
        opened = seals[row.subject_uid].open(bytes(row.sealed), "label", row.subject_uid, row.attribute)
        found[row.subject_uid][row.attribute] = opened.decode()
    return found


async def _newest(connection: Connection, *, begin: str, before: int | None) -> list[tuple[int, str]]:
    conditions = [audit.c.body.startswith(begin, autoescape=True)]
    if before is not None:
        conditions.append(audit.c.sequence < before)
    rows = await connection.execute(
        select(audit.c.sequence, audit.c.body)
        .where(*conditions)
        .order_by(audit.c.sequence.desc())
        .limit(RECORDS)
    )
    return [(row.sequence, row.body) for row in rows]
