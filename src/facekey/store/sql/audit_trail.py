"""Reading the audit chain in the database. Needs no key."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, func, not_, or_, select

from facekey.core.audit import ChainedRecord, Head, SealedHead, pseudonym
from facekey.core.audit_statements import Checkpoint, Signature
from facekey.core.ports.audit import AuditQuery
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import audit, audit_checkpoints, audit_head

BATCH = 1000
HEAD_ROW = 1
KID_BYTES = 8
"""A stored signature is so many bytes that name its key, and the signature itself."""


class SqlAuditTrail:
    """Implements `core.ports.audit.AuditTrail`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._database = database

    async def head(self) -> SealedHead | None:
        """Where the log ends; None when there is no head."""
        return await self._database.read(read_head)

    def records(self, *, until: int | None = None) -> AsyncIterator[ChainedRecord]:
        """Every record, the oldest first; only up to a sequence when one is given."""
        return stream_records(self._database, until=until)

    async def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint, the oldest first: a thousandth of the log."""
        return await self._database.read(read_checkpoints)


class SqlAuditView:
    """Implements `core.ports.audit.AuditView`."""

    def __init__(self, database: Database, *, pseudonym_key: bytes) -> None:
        """Take the key under which people appear in the log."""
        self._database = database
        self._key = pseudonym_key

    async def find(self, query: AuditQuery) -> list[ChainedRecord]:
        """The records that fit, the newest first."""
        conditions = self._conditions(query)

        async def finding(connection: Connection) -> list[ChainedRecord]:
            # Records stand in the order of their times, so a time is a place.
            if query.since is not None:
                conditions.append(audit.c.sequence >= await _first_since(connection, query.since))
            if query.until is not None:
                conditions.append(audit.c.sequence < await _first_since(connection, query.until))
            rows = await connection.execute(
                select(audit).where(*conditions).order_by(audit.c.sequence.desc()).limit(query.limit)
            )
            return [_record(*row) for row in rows]

        return await self._database.read(finding)

    def _conditions(self, query: AuditQuery) -> list[ColumnElement[bool]]:
        """Bodies are canonical JSON with sorted members, so that each member has its place in the text."""
        conditions: list[ColumnElement[bool]] = []
        if query.before is not None:
            conditions.append(audit.c.sequence < query.before)
        if query.sequence is not None:
            conditions.append(audit.c.sequence == query.sequence)
        if query.action is not None:
            conditions.append(_of_action(query.action))
        if query.outcome is not None:
            middle = f',"outcome":{json.dumps(query.outcome)},"reason":'
            conditions.append(audit.c.body.contains(middle, autoescape=True))
        if query.reasons:
            conditions.append(or_(*(_with_reason(reason) for reason in query.reasons)))
        if query.without is not None:
            conditions.append(not_(_of_action(query.without)))
        if query.subject_id is not None:
            conditions.append(about(pseudonym(query.subject_id, self._key)))
        return conditions


def _of_action(action: str) -> ColumnElement[bool]:
    return audit.c.body.startswith(f'{{"action":{json.dumps(action)},', autoescape=True)


def _with_reason(reason: str) -> ColumnElement[bool]:
    return audit.c.body.contains(f',"reason":{json.dumps(reason)},"subject":', autoescape=True)


def about(name: str) -> ColumnElement[bool]:
    """Tells the records about one person, by their pseudonym."""
    return audit.c.body.endswith(f',"subject":"{name}"}}', autoescape=True)


async def read_head(connection: Connection) -> SealedHead | None:
    """The row that says where the log ends."""
    row = (await connection.execute(select(audit_head).where(audit_head.c.id == HEAD_ROW))).first()
    return None if row is None else SealedHead(Head(row.sequence, bytes(row.digest)), bytes(row.seal))


async def stream_records(database: Database, *, until: int | None = None) -> AsyncIterator[ChainedRecord]:
    """Every record, the oldest first, a batch in memory at a time."""
    last: ChainedRecord | None = None
    while True:
        batch = await database.read(partial(_batch, last=last, until=until))
        for record in batch:
            yield record
        if len(batch) < BATCH:
            return
        last = batch[-1]


async def _batch(
    connection: Connection, *, last: ChainedRecord | None, until: int | None
) -> list[ChainedRecord]:
    # The last record is read once more and left out: should somebody have taken the table's
    # key away and put a second record with its number beside it, that one is not passed over.
    conditions = [] if last is None else [audit.c.sequence >= last.sequence]
    if until is not None:
        conditions.append(audit.c.sequence <= until)
    rows = await connection.execute(
        select(audit).where(*conditions).order_by(audit.c.sequence, audit.c.digest).limit(BATCH + 1)
    )
    records = [_record(*row) for row in rows]
    if last is not None and last in records:
        records.remove(last)
    return records[:BATCH]


async def read_checkpoints(connection: Connection) -> list[Checkpoint]:
    """Every checkpoint, the oldest first."""
    rows = await connection.execute(select(audit_checkpoints).order_by(audit_checkpoints.c.sequence))
    return [checkpoint_of(*row) for row in rows]


def checkpoint_of(sequence: int, digest: bytes, at: str, signature: bytes) -> Checkpoint:
    """A checkpoint from its row."""
    kid, value = bytes(signature[:KID_BYTES]).hex(), bytes(signature[KID_BYTES:])
    return Checkpoint(Head(sequence, bytes(digest)), datetime.fromisoformat(at), Signature(kid, value))


def _record(sequence: int, body: str, previous: bytes, digest: bytes) -> ChainedRecord:
    return ChainedRecord(sequence, body, bytes(previous), bytes(digest))


async def _first_since(connection: Connection, time: datetime) -> int:
    """The first record that is not older, by halving; one more than the last when all are older."""
    low, high = 1, 1 + ((await connection.execute(select(func.max(audit.c.sequence)))).scalar_one() or 0)
    while low < high:
        middle = (low + high) // 2
        query = select(audit.c.body).where(audit.c.sequence >= middle).order_by(audit.c.sequence).limit(1)
        body: str = (await connection.execute(query)).scalar_one()
        if datetime.fromisoformat(json.loads(body)["at"]) < time:
            low = middle + 1
        else:
            high = middle
    return low
