"""Operators in the database."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from facekey.core.accounts import Operator
from facekey.core.audit import AuditEvent
from facekey.core.caller import Role
from facekey.core.errors import AccountExists, AccountUnknown
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.refresh_tokens import end_all
from facekey.store.sql.tables import operators
from facekey.store.sql.times import text_of, time_of, written
from facekey.store.sql.vouching import Vouching


class SqlOperators:
    """Implements `core.ports.accounts.Operators`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that each change is written to."""
        self._database = database
        self._audit = audit
        self._vouching = Vouching(audit.names.key)

    async def named(self, name: str) -> Operator | None:
        """The operator of that name, disabled ones included."""
        found = await self._read(operators.c.name == name)
        return found[0] if found else None

    async def find(self, uid: str) -> Operator | None:
        """The operator of that uid, disabled ones included."""
        found = await self._read(operators.c.uid == uid)
        return found[0] if found else None

    async def everybody(self) -> list[Operator]:
        """All of them, by name."""
        return await self._read(operators.c.uid != "")

    async def add(self, operator: Operator, event: AuditEvent) -> None:
        """Store a new operator.

        Raises:
            AccountExists: the name is taken.
        """

        async def adding(connection: Connection) -> None:
            try:
                await connection.execute(insert(operators).values(self._row(operator)))
            except IntegrityError as error:
                raise AccountExists(operator.name) from error
            await self._audit.append_within(connection, event)

        await self._database.write(adding)

    async def set_password(
        self, uid: str, password_hash: str, *, expires_at: datetime | None, event: AuditEvent
    ) -> None:
        """Replace the password, and end every sign-in of this operator.

        Raises:
            AccountUnknown: there is no such operator.
        """

        async def setting(connection: Connection) -> None:
            changed = replace(
                await self._one(connection, uid),
                password_hash=password_hash,
                one_time=expires_at is not None,
                password_set_at=event.at,
                password_expires_at=expires_at,
            )
            await connection.execute(
                update(operators).where(operators.c.uid == uid).values(self._row(changed))
            )
            await end_all(connection, uid, event.at)
            await self._audit.append_within(connection, event)

        await self._database.write(setting)

    async def disable(self, uid: str, event: AuditEvent) -> None:
        """Let an operator sign in no more, and end every sign-in.

        Raises:
            AccountUnknown: there is no such operator.
        """

        async def disabling(connection: Connection) -> None:
            disabled = replace(await self._one(connection, uid), disabled_at=event.at)
            await connection.execute(
                update(operators).where(operators.c.uid == uid).values(self._row(disabled))
            )
            await end_all(connection, uid, event.at)
            await self._audit.append_within(connection, event)

        await self._database.write(disabling)

    async def _read(self, condition: ColumnElement[bool]) -> list[Operator]:
        return await self._database.read(lambda connection: self._found(connection, condition))

    async def _found(self, connection: Connection, condition: ColumnElement[bool]) -> list[Operator]:
        rows = await connection.execute(select(operators).where(condition).order_by(operators.c.name))
        return [_operator(row) for row in rows.mappings() if self._vouching.counts(operators, row)]

    async def _one(self, connection: Connection, uid: str) -> Operator:
        found = await self._found(connection, operators.c.uid == uid)
        if not found:
            raise AccountUnknown(uid)
        return found[0]

    def _row(self, operator: Operator) -> dict[str, object]:
        row = {
            "uid": operator.uid,
            "name": operator.name,
            "role": operator.role,
            "password_hash": operator.password_hash,
            "one_time": operator.one_time,
            "password_set_at": written(operator.password_set_at),
            "password_expires_at": text_of(operator.password_expires_at),
            "created_at": written(operator.created_at),
            "disabled_at": text_of(operator.disabled_at),
        }
        return self._vouching.vouched(operators, row)


def _operator(row: RowMapping) -> Operator:
    return Operator(
        row["uid"],
        row["name"],
        Role(row["role"]),
        row["password_hash"],
        row["one_time"],
        datetime.fromisoformat(row["password_set_at"]),
        time_of(row["password_expires_at"]),
        datetime.fromisoformat(row["created_at"]),
        time_of(row["disabled_at"]),
    )
