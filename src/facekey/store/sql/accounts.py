"""Operators, refresh tokens and API keys in the database."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.accounts import ApiKey, Operator, RefreshToken
from facekey.core.audit import AuditEvent
from facekey.core.caller import Role
from facekey.core.errors import AccountExists, AccountUnknown, NotSignedIn
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.database import Database
from facekey.store.sql.tables import api_keys, operators, refresh_tokens
from facekey.store.sql.times import text_of, time_of, written


class SqlOperators:
    """Implements `core.ports.accounts.Operators`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that each change is written to."""
        self._database = database
        self._audit = audit

    async def named(self, name: str) -> Operator | None:
        """The operator of that name, disabled ones included."""
        found = await self._database.read(lambda connection: _operators(connection, operators.c.name == name))
        return found[0] if found else None

    async def find(self, uid: str) -> Operator | None:
        """The operator of that uid, disabled ones included."""
        found = await self._database.read(lambda connection: _operators(connection, operators.c.uid == uid))
        return found[0] if found else None

    async def everybody(self) -> list[Operator]:
        """All of them, by name."""
        return await self._database.read(lambda connection: _operators(connection, operators.c.uid != ""))

    async def add(self, operator: Operator, event: AuditEvent) -> None:
        """Store a new operator.

        Raises:
            AccountExists: the name is taken.
        """

        async def adding(connection: AsyncConnection) -> None:
            try:
                await connection.execute(
                    insert(operators).values(
                        uid=operator.uid,
                        name=operator.name,
                        role=operator.role,
                        password_hash=operator.password_hash,
                        one_time=operator.one_time,
                        password_set_at=written(operator.password_set_at),
                        password_expires_at=text_of(operator.password_expires_at),
                        created_at=written(operator.created_at),
                    )
                )
            except IntegrityError as error:
                raise AccountExists(operator.name) from error
            await self._audit.append_within(connection, event)

        await self._database.write(adding)

    async def set_password(
        self, uid: str, password_hash: str, *, expires_at: datetime | None, event: AuditEvent
    ) -> None:
        """Replace the password, and end every sign-in of this operator."""

        async def setting(connection: AsyncConnection) -> None:
            await connection.execute(
                update(operators)
                .where(operators.c.uid == uid)
                .values(
                    password_hash=password_hash,
                    one_time=expires_at is not None,
                    password_set_at=written(event.at),
                    password_expires_at=text_of(expires_at),
                )
            )
            await _end_all(connection, uid, event.at)
            await self._audit.append_within(connection, event)

        await self._database.write(setting)

    async def disable(self, uid: str, event: AuditEvent) -> None:
        """Let an operator sign in no more, and end every sign-in."""

        async def disabling(connection: AsyncConnection) -> None:
            await connection.execute(
                update(operators).where(operators.c.uid == uid).values(disabled_at=written(event.at))
            )
            await _end_all(connection, uid, event.at)
            await self._audit.append_within(connection, event)

        await self._database.write(disabling)


class SqlRefreshTokens:
    """Implements `core.ports.accounts.RefreshTokens`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that a theft is written to."""
        self._database = database
        self._audit = audit

    async def begin(self, token: RefreshToken) -> None:
        """Keep the first token of a chain."""
        await self._database.write(lambda connection: _keep(connection, token))

    async def exchange(
        self, token_hash: str, following: str, *, at: datetime, lasts_s: float
    ) -> RefreshToken:
        """Use a token once and keep the one that follows.

        Raises:
            NotSignedIn: it doesn't count; when it was used before, the chain is revoked.
        """

        async def exchanging(connection: AsyncConnection) -> RefreshToken | None:
            row = (
                await connection.execute(
                    select(refresh_tokens).where(refresh_tokens.c.token_hash == token_hash)
                )
            ).one_or_none()
            if row is None or row.revoked_at is not None or at >= datetime.fromisoformat(row.expires_at):
                return None
            if row.used_at is not None:
                await _end_family(connection, row.family, at)
                actor = f"operator:{row.operator_uid}"
                event = AuditEvent("refresh", actor, None, "refused", "refresh_token_reused", at, {})
                await self._audit.append_within(connection, event)
                return None
            await connection.execute(
                update(refresh_tokens)
                .where(refresh_tokens.c.token_hash == token_hash)
                .values(used_at=written(at))
            )
            new = RefreshToken(following, row.family, row.operator_uid, at, at + timedelta(seconds=lasts_s))
            await _keep(connection, new)
            return new

        token = await self._database.write(exchanging)
        if token is None:
            raise NotSignedIn("the refresh token doesn't count (any more); sign in again")
        return token

    async def end(self, token_hash: str, event: AuditEvent) -> None:
        """Revoke the chain of this token; unknown ones are passed over."""

        async def ending(connection: AsyncConnection) -> None:
            family = (
                await connection.execute(
                    select(refresh_tokens.c.family).where(refresh_tokens.c.token_hash == token_hash)
                )
            ).scalar_one_or_none()
            if family is not None:
                await _end_family(connection, family, event.at)
            await self._audit.append_within(connection, event)

        await self._database.write(ending)


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


async def _operators(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Operator]:
    rows = await connection.execute(select(operators).where(condition).order_by(operators.c.name))
    return [
        Operator(
            row.uid,
            row.name,
            Role(row.role),
            row.password_hash,
            row.one_time,
            datetime.fromisoformat(row.password_set_at),
            time_of(row.password_expires_at),
            datetime.fromisoformat(row.created_at),
            time_of(row.disabled_at),
        )
        for row in rows
    ]


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


async def _keep(connection: AsyncConnection, token: RefreshToken) -> None:
    await connection.execute(
        insert(refresh_tokens).values(
            token_hash=token.token_hash,
            family=token.family,
            operator_uid=token.operator_uid,
            issued_at=written(token.issued_at),
            expires_at=written(token.expires_at),
        )
    )


async def _end_family(connection: AsyncConnection, family: str, at: datetime) -> None:
    await connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.family == family, refresh_tokens.c.revoked_at.is_(None))
        .values(revoked_at=written(at))
    )


async def _end_all(connection: AsyncConnection, operator_uid: str, at: datetime) -> None:
    await connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.operator_uid == operator_uid, refresh_tokens.c.revoked_at.is_(None))
        .values(revoked_at=written(at))
    )
