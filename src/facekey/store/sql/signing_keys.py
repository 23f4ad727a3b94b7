"""Secrets that signing keys are derived from: made when first asked for, wrapped like every other key."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from facekey.core.audit import AuditEvent
from facekey.store.sealing import KeyRing
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import signing_keys
from facekey.store.sql.times import written

KID_BYTES = 8


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """32 random bytes under a name.

    Attributes:
        kid: names the key that is derived from it.
    """

    kid: str
    secret: bytes = field(repr=False)


class SqlSigningKeys:
    """The signing keys of a deployment, by purpose."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Take the ring that wraps them."""
        self._database = database
        self._ring = ring

    async def load(self, purpose: str, *, at: datetime, retired_for: timedelta) -> list[SigningSecret]:
        """The keys of one purpose, the one to sign with first; makes it when there is none.

        Args:
            purpose: such as `face_token`.
            at: now.
            retired_for: how long a key that signs no more is still given, so that what it
                signed can be verified.

        Raises:
            KeyUnavailable: a root key is missing.
            SealBroken: a stored key was changed.
            StoreUnavailable: the database did not answer.
        """

        async def loading(connection: Connection) -> list[SigningSecret]:
            rows = (
                await connection.execute(
                    select(signing_keys)
                    .where(signing_keys.c.purpose == purpose)
                    .order_by(signing_keys.c.created_at.desc())
                )
            ).all()
            if all(row.retired_at is not None for row in rows):
                await self._make(connection, purpose, at)
                return await loading(connection)
            kept = [
                row
                for row in rows
                if row.retired_at is None or at < datetime.fromisoformat(row.retired_at) + retired_for
            ]
            kept.sort(key=lambda row: row.retired_at is not None)
            return [
                SigningSecret(row.kid, self._ring.unwrap(row.wrapped_key, row.kid).secret) for row in kept
            ]

        return await self._database.write(loading)

    async def renew(self, purpose: str, audit: SqlAuditLog, event: AuditEvent) -> None:
        """Make a new key to sign with, and put it on record; services take it up when they start.

        Raises:
            StoreUnavailable: nothing was changed.
        """

        async def renewing(connection: Connection) -> None:
            await connection.execute(
                update(signing_keys)
                .where(signing_keys.c.purpose == purpose, signing_keys.c.retired_at.is_(None))
                .values(retired_at=written(event.at))
            )
            await self._make(connection, purpose, event.at)
            await audit.append_within(connection, event)

        await self._database.write(renewing)

    async def _make(self, connection: Connection, purpose: str, at: datetime) -> None:
        kid = secrets.token_hex(KID_BYTES)
        _, wrapped = self._ring.new_data_key(kid)
        await connection.execute(
            insert(signing_keys).values(kid=kid, purpose=purpose, wrapped_key=wrapped, created_at=written(at))
        )
