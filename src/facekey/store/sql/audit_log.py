"""The audit chain in the database."""

from collections.abc import AsyncIterator
from functools import partial

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.audit import GENESIS, AuditEvent, ChainedRecord, canonical_body, chain
from facekey.core.ports import Receipt
from facekey.store.sql.database import Database
from facekey.store.sql.tables import audit

BATCH = 1000


class SqlAuditLog:
    """Implements `core.ports.AuditLog`."""

    def __init__(self, database: Database, *, pseudonym_key: bytes) -> None:
        """Take the key under which people appear in the log."""
        self._database = database
        self._pseudonym_key = pseudonym_key

    async def append(self, event: AuditEvent) -> Receipt:
        """Write one event in a transaction of its own.

        Raises:
            StoreUnavailable: it is not on record.
        """
        return await self._database.write(lambda connection: self.append_within(connection, event))

    async def append_within(self, connection: AsyncConnection, event: AuditEvent) -> Receipt:
        """Write one event in the caller's transaction, which holds the write lock."""
        last = (
            await connection.execute(
                select(audit.c.sequence, audit.c.digest).order_by(audit.c.sequence.desc()).limit(1)
            )
        ).first()
        sequence, previous = (last.sequence + 1, last.digest) if last else (1, GENESIS)
        record = chain(sequence, canonical_body(event, self._pseudonym_key), previous)
        await connection.execute(
            insert(audit).values(
                sequence=record.sequence,
                body=record.body,
                previous=record.previous,
                digest=record.digest,
            )
        )
        return Receipt(record.sequence, record.digest)

    async def records(self) -> AsyncIterator[ChainedRecord]:
        """Every record, the oldest first."""
        after = 0
        while True:
            batch = await self._database.read(partial(_records, after=after))
            for record in batch:
                yield record
            if len(batch) < BATCH:
                return
            after = batch[-1].sequence


async def _records(connection: AsyncConnection, *, after: int) -> list[ChainedRecord]:
    rows = await connection.execute(
        select(audit).where(audit.c.sequence > after).order_by(audit.c.sequence).limit(BATCH)
    )
    return [ChainedRecord(row.sequence, row.body, row.previous, row.digest) for row in rows]
