"""Writing to the audit chain in the database.

Writers of all services take turns, so the chain is one. Its end stands in one row, sealed
under a key of the deployment: each append checks that seal and goes on from there. Whoever
can write to the database but has no keys can neither cut the log and seal its new end, nor
go on after records of their own.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from sqlalchemy import Update, insert, select, update

from facekey.core.audit import (
    EMPTY,
    AuditEvent,
    ChainedRecord,
    Head,
    SealedHead,
    canonical_body,
    chain,
    head_key_of,
    open_head,
    seal_of,
)
from facekey.core.errors import AuditBroken
from facekey.core.ports.audit import Receipt
from facekey.store.sql.audit_trail import HEAD_ROW, read_head, stream_records
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.names import Names
from facekey.store.sql.tables import audit, audit_head


class AuditFollower(Protocol):
    """Does something more in the transaction of each record."""

    async def recorded(self, connection: Connection, event: AuditEvent) -> None:
        """Take part; what it raises keeps the record from being written."""
        ...


class SqlAuditLog:
    """Implements `core.ports.audit.AuditLog` and `AuditSeal`.

    Attributes:
        names: what people are called in it, and in the tables that are written with it.
    """

    def __init__(
        self, database: Database, *, pseudonym_key: bytes, follower: AuditFollower | None = None
    ) -> None:
        """Take the key under which people appear in the log; the head's key is derived from it."""
        self._database = database
        self._follower = follower
        self.names = Names(pseudonym_key)
        self._head_key = head_key_of(pseudonym_key)
        self._committed = EMPTY  # the last head that was certainly committed when it was seen
        self._transaction: object = None

    async def append(self, event: AuditEvent) -> Receipt:
        """Write one event in a transaction of its own.

        Raises:
            AuditBroken: the log isn't as this deployment left it.
            StoreUnavailable: it is not on record.
        """
        return await self._database.write(lambda connection: self.append_within(connection, event))

    async def append_within(self, connection: Connection, event: AuditEvent) -> Receipt:
        """Write one event in the caller's transaction, which holds the write lock.

        Raises:
            AuditBroken: the log isn't as this deployment left it.
        """
        stored = await read_head(connection)
        last = await self._last(connection, stored)
        record = chain(last.sequence + 1, canonical_body(event, self.names.key), last.digest)
        head = Head(record.sequence, record.digest)
        await _put(connection, record, SealedHead(head, seal_of(head, self._head_key)), new=stored is None)
        if self._follower is not None:
            await self._follower.recorded(connection, event)
        return Receipt(record.sequence, record.digest)

    async def seal(self, head: Head, event: AuditEvent) -> Receipt:
        """Seal the head of a log that has none, and put that on record behind it.

        Raises:
            AuditBroken: there is a head, or the log doesn't end there; nothing was changed.
            StoreUnavailable: nothing was changed.
        """

        async def sealing(connection: Connection) -> Receipt:
            if await read_head(connection) is not None:
                raise AuditBroken(head.sequence, "is not to be sealed: the log has a sealed head already")
            if await _last_sequence(connection) != head.sequence:
                raise AuditBroken(head.sequence, "is not the last any more; try again")
            if head != EMPTY:
                await _put_head(connection, SealedHead(head, seal_of(head, self._head_key)), new=True)
            return await self.append_within(connection, event)

        return await self._database.write(sealing)

    def records(self) -> AsyncIterator[ChainedRecord]:
        """Every record, the oldest first."""
        return stream_records(self._database)

    async def _last(self, connection: Connection, stored: SealedHead | None) -> Head:
        """The head to go on from."""
        if stored is None:
            last = EMPTY
            if (sequence := await _last_sequence(connection)) > 0:
                raise AuditBroken(
                    sequence,
                    "no sealed head says that it is the last. A log of an older version is sealed by "
                    "`facekey audit seal`; any other had its head removed",
                )
        else:
            last = open_head(stored, self._head_key)
        transaction = connection.transaction
        if transaction is not self._transaction:
            # The first look of this transaction: what it sees is committed. A head that is sealed
            # and yet older than one that was seen before was put back, or all of the database was.
            self._transaction = transaction
            same = last.sequence == self._committed.sequence and last.digest != self._committed.digest
            if last.sequence < self._committed.sequence or same:
                raise AuditBroken(
                    self._committed.sequence,
                    "gone, though this process saw it: the log was put back to an older state. If you "
                    "restored a backup, start the service anew",
                )
            self._committed = last
        return last


async def _put(connection: Connection, record: ChainedRecord, sealed: SealedHead, *, new: bool) -> None:
    """Write a record and the head that it makes."""
    row = insert(audit).values(
        sequence=record.sequence, body=record.body, previous=record.previous, digest=record.digest
    )
    if connection.dialect.name == "postgresql" and not new:
        # One statement for both: every other writer waits for each trip to the server.
        await connection.execute(_head_moves(sealed).add_cte(row.cte("record")))
        return
    await connection.execute(row)
    await _put_head(connection, sealed, new=new)


async def _put_head(connection: Connection, sealed: SealedHead, *, new: bool) -> None:
    if new:
        values = {"sequence": sealed.head.sequence, "digest": sealed.head.digest, "seal": sealed.seal}
        await connection.execute(insert(audit_head).values(id=HEAD_ROW, **values))
    else:
        await connection.execute(_head_moves(sealed))


def _head_moves(sealed: SealedHead) -> Update:
    return (
        update(audit_head)
        .where(audit_head.c.id == HEAD_ROW)
        .values(sequence=sealed.head.sequence, digest=sealed.head.digest, seal=sealed.seal)
    )


async def _last_sequence(connection: Connection) -> int:
    found = await connection.execute(select(audit.c.sequence).order_by(audit.c.sequence.desc()).limit(1))
    return found.scalar_one_or_none() or 0
