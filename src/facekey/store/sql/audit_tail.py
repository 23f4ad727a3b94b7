"""The end of the audit chain in the database, each look at one moment."""

from typing import Any

from sqlalchemy import Select, select

from facekey.core.audit import ChainedRecord
from facekey.core.ports.alerts import Tail
from facekey.store.sql.audit_trail import read_head
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import audit


class SqlAuditTail:
    """Implements `core.ports.alerts.AuditTail`. Needs no key."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._database = database

    async def newest(self, count: int) -> Tail:
        """The last so many records, the oldest of them first."""
        tail = await self._read(select(audit).order_by(audit.c.sequence.desc()).limit(count))
        return Tail(tail.head, tail.records[::-1])

    async def since(self, sequence: int, *, most: int) -> Tail:
        """At most so many records from this one on."""
        later = audit.c.sequence >= sequence
        return await self._read(select(audit).where(later).order_by(audit.c.sequence).limit(most))

    async def _read(self, query: Select[*tuple[Any, ...]]) -> Tail:
        async def reading(connection: Connection) -> Tail:
            head = await read_head(connection)
            rows = await connection.execute(query)
            records = (ChainedRecord(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in rows)
            return Tail(head, tuple(records))

        return await self._database.read(reading)
