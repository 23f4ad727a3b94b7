"""Chains of refresh tokens in the database."""

from datetime import datetime, timedelta

from sqlalchemy import RowMapping, insert, select, update

from facekey.core.accounts import RefreshToken
from facekey.core.audit import AuditEvent
from facekey.core.errors import NotSignedIn
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import refresh_tokens
from facekey.store.sql.times import written
from facekey.store.sql.vouching import Vouching

LOST_ANSWER_S = 10.0


class SqlRefreshTokens:
    """Implements `core.ports.accounts.RefreshTokens`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that a theft is written to."""
        self._database = database
        self._audit = audit
        self._vouching = Vouching(audit.names.key)

    async def begin(self, token: RefreshToken) -> None:
        """Keep the first token of a chain."""
        await self._database.write(lambda connection: self._keep(connection, token))

    async def exchange(
        self, token_hash: str, following: str, *, at: datetime, lasts_s: float
    ) -> RefreshToken:
        """Use a token once and keep the one that follows.

        A page that is loaded again in the middle of a renewal never gets the answer. Within
        `LOST_ANSWER_S`, and while nobody used what was answered, the token is therefore good again;
        the unused answer counts as used from then on, so that a second holder still gives itself away.

        Raises:
            NotSignedIn: it doesn't count; when it was used before, the chain is revoked.
        """

        async def exchanging(connection: Connection) -> RefreshToken | None:
            query = select(refresh_tokens).where(refresh_tokens.c.token_hash == token_hash)
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None or row["revoked_at"] is not None:
                return None
            if not self._vouching.counts(refresh_tokens, row):
                return None
            if at >= datetime.fromisoformat(row["expires_at"]):
                return None
            family, operator_uid = row["family"], row["operator_uid"]
            if row["used_at"] is not None and not await _answer_was_lost(connection, row, at):
                await _end_family(connection, family, at)
                actor = f"operator:{operator_uid}"
                event = AuditEvent("refresh", actor, None, "refused", "refresh_token_reused", at, {})
                await self._audit.append_within(connection, event)
                return None
            await connection.execute(
                update(refresh_tokens)
                .where(refresh_tokens.c.token_hash == token_hash)
                .values(used_at=written(at))
            )
            new = RefreshToken(following, family, operator_uid, at, at + timedelta(seconds=lasts_s))
            await self._keep(connection, new)
            return new

        token = await self._database.write(exchanging)
        if token is None:
            raise NotSignedIn("the refresh token doesn't count (any more); sign in again")
        return token

    async def end(self, token_hash: str, event: AuditEvent) -> None:
        """Revoke the chain of this token; unknown ones are passed over."""

        async def ending(connection: Connection) -> None:
            family = (
                await connection.execute(
                    select(refresh_tokens.c.family).where(refresh_tokens.c.token_hash == token_hash)
                )
            ).scalar_one_or_none()
            if family is not None:
                await _end_family(connection, family, event.at)
            await self._audit.append_within(connection, event)

        await self._database.write(ending)

    async def _keep(self, connection: Connection, token: RefreshToken) -> None:
        row = {
            "token_hash": token.token_hash,
            "family": token.family,
            "operator_uid": token.operator_uid,
            "issued_at": written(token.issued_at),
            "expires_at": written(token.expires_at),
        }
        await connection.execute(insert(refresh_tokens).values(self._vouching.vouched(refresh_tokens, row)))


async def _answer_was_lost(connection: Connection, used: RowMapping, at: datetime) -> bool:
    """Whether the token that followed a used one was never seen; it counts as used from now on."""
    if at - datetime.fromisoformat(used["used_at"]) > timedelta(seconds=LOST_ANSWER_S):
        return False
    unseen = await connection.execute(
        update(refresh_tokens)
        .where(
            refresh_tokens.c.family == used["family"],
            refresh_tokens.c.issued_at == used["used_at"],
            refresh_tokens.c.used_at.is_(None),
            refresh_tokens.c.revoked_at.is_(None),
        )
        .values(used_at=written(at))
    )
    return unseen.rowcount == 1


async def end_all(connection: Connection, operator_uid: str, at: datetime) -> None:
    """Revoke every chain of an operator."""
    await connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.operator_uid == operator_uid, refresh_tokens.c.revoked_at.is_(None))
        .values(revoked_at=written(at))
    )


async def _end_family(connection: Connection, family: str, at: datetime) -> None:
    await connection.execute(
        update(refresh_tokens)
        .where(refresh_tokens.c.family == family, refresh_tokens.c.revoked_at.is_(None))
        .values(revoked_at=written(at))
    )
