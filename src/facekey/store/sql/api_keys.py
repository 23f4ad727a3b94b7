"""API keys in the database."""

from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.accounts import ApiKey
from facekey.core.audit import AuditEvent
from facekey.core.caller import Role
from facekey.core.errors import AccountExists, AccountUnknown
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.database import Database
from facekey.store.sql.tables import api_keys
from facekey.store.sql.times import text_of, time_of, written


class SqlApiKeys:
    """Implements `core.ports.accounts.ApiKeys`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that each change is written to."""
        self._database = database
        self._audit = audit

    async def by_hash(self, key_hash: str) -> ApiKey | None:
        """The key with this hash, revoked ones included."""
        found = await self._database.read(
            lambda connection: _keys(connection, api_keys.c.key_hash == key_hash)
        )
        return found[0] if found else None

    async def everything(self) -> list[ApiKey]:
        """All of them, by name."""
        return await self._database.read(lambda connection: _keys(connection, api_keys.c.uid != ""))

    async def add(self, key: ApiKey, event: AuditEvent) -> None:
        """Store a new key.

        Raises:
            AccountExists: the name is taken.
        """

        async def adding(connection: AsyncConnection) -> None:
            try:
                await connection.execute(
                    insert(api_keys).values(
                        uid=key.uid,
                        name=key.name,
                        role=key.role,
                        key_hash=key.key_hash,
                        created_at=written(key.created_at),
                        created_by=key.created_by,
                        audience=key.audience,
                        expires_at=text_of(key.expires_at),
                    )
                )
            except IntegrityError as error:
                raise AccountExists(key.name) from error
            await self._audit.append_within(connection, event)

        await self._database.write(adding)

    async def revoke(self, uid: str, event: AuditEvent) -> None:
        """Let a key open nothing any more.

        Raises:
            AccountUnknown: there is no such key.
        """

        async def revoking(connection: AsyncConnection) -> None:
            changed = await connection.execute(
                update(api_keys)
                .where(api_keys.c.uid == uid, api_keys.c.revoked_at.is_(None))
                .values(revoked_at=written(event.at))
            )
            if changed.rowcount == 0:
                raise AccountUnknown(uid)
            await self._audit.append_within(connection, event)

        await self._database.write(revoking)

    async def used(self, uid: str, *, at: datetime) -> None:
        """Note that a key was used."""
        await self._database.write(
            lambda connection: connection.execute(
                update(api_keys).where(api_keys.c.uid == uid).values(last_used_at=written(at))
            )
        )


async def _keys(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[ApiKey]:
    rows = await connection.execute(select(api_keys).where(condition).order_by(api_keys.c.name))
    return [
        ApiKey(
            row.uid,
            row.name,
            Role(row.role),
            row.key_hash,
            datetime.fromisoformat(row.created_at),
            row.created_by,
            row.audience,
            time_of(row.expires_at),
            time_of(row.revoked_at),
            time_of(row.last_used_at),
        )
        for row in rows
    ]
