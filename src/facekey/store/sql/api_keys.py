"""API keys in the database."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from facekey.core.accounts import ApiKey
from facekey.core.audit import AuditEvent
from facekey.core.caller import Role
from facekey.core.errors import AccountExists, AccountUnknown
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import api_keys
from facekey.store.sql.times import text_of, time_of, written
from facekey.store.sql.vouching import Vouching


class SqlApiKeys:
    """Implements `core.ports.accounts.ApiKeys`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that each change is written to."""
        self._database = database
        self._audit = audit
        self._vouching = Vouching(audit.names.key)

    async def by_hash(self, key_hash: str) -> ApiKey | None:
        """The key with this hash, revoked ones included."""
        found = await self._read(api_keys.c.key_hash == key_hash)
        return found[0] if found else None

    async def everything(self) -> list[ApiKey]:
        """All of them, by name."""
        return await self._read(api_keys.c.uid != "")

    async def add(self, key: ApiKey, event: AuditEvent) -> None:
        """Store a new key.

        Raises:
            AccountExists: the name is taken.
        """

        async def adding(connection: Connection) -> None:
            try:
                await connection.execute(insert(api_keys).values(self._row(key)))
            except IntegrityError as error:
                raise AccountExists(key.name) from error
            await self._audit.append_within(connection, event)

        await self._database.write(adding)

    async def revoke(self, uid: str, event: AuditEvent) -> None:
        """Let a key open nothing any more.

        Raises:
            AccountUnknown: there is no such key.
        """

        async def revoking(connection: Connection) -> None:
            found = await self._found(connection, (api_keys.c.uid == uid) & api_keys.c.revoked_at.is_(None))
            if not found:
                raise AccountUnknown(uid)
            revoked = replace(found[0], revoked_at=event.at)
            await connection.execute(update(api_keys).where(api_keys.c.uid == uid).values(self._row(revoked)))
            await self._audit.append_within(connection, event)

        await self._database.write(revoking)

    async def used(self, uid: str, *, at: datetime) -> None:
        """Note that a key was used."""
        await self._database.write(
            lambda connection: connection.execute(
                update(api_keys).where(api_keys.c.uid == uid).values(last_used_at=written(at))
            )
        )

    async def _read(self, condition: ColumnElement[bool]) -> list[ApiKey]:
        return await self._database.read(lambda connection: self._found(connection, condition))

    async def _found(self, connection: Connection, condition: ColumnElement[bool]) -> list[ApiKey]:
        rows = await connection.execute(select(api_keys).where(condition).order_by(api_keys.c.name))
        return [_key(row) for row in rows.mappings() if self._vouching.counts(api_keys, row)]

    def _row(self, key: ApiKey) -> dict[str, object]:
        row = {
            "uid": key.uid,
            "name": key.name,
            "role": key.role,
            "key_hash": key.key_hash,
            "audience": key.audience,
            "created_at": written(key.created_at),
            "created_by": key.created_by,
            "expires_at": text_of(key.expires_at),
            "revoked_at": text_of(key.revoked_at),
        }
        return self._vouching.vouched(api_keys, row)


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        row["uid"],
        row["name"],
        Role(row["role"]),
        row["key_hash"],
        datetime.fromisoformat(row["created_at"]),
        row["created_by"],
        row["audience"],
        time_of(row["expires_at"]),
        time_of(row["revoked_at"]),
        time_of(row["last_used_at"]),
    )
