"""Choices of networks in the database, each with its audit record.

The latest row counts. A return removes the rows after the one that it returns to; that there
were any is in the audit log. Each row is vouched for: whoever can write to the database but has
no keys can't let other networks decide.
"""

import json
from collections.abc import Collection

from sqlalchemy import Exists, RowMapping, delete, exists, func, insert, select

from facekey.core.audit import AuditEvent
from facekey.core.choice import ALL_MEASURED, Choice
from facekey.core.errors import SealBroken
from facekey.core.types import ModelId
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import network_choices, subjects, templates
from facekey.store.sql.times import written
from facekey.store.sql.vouching import Vouching


class SqlChoices:
    """Implements `core.ports.choice.Choices` and `Enrolled`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the database and the log that is told of every change."""
        self._database = database
        self._audit = audit
        self._vouching = Vouching(audit.names.key)

    async def current(self) -> Choice:
        """The latest; `ALL_MEASURED` before the first.

        Raises:
            SealBroken: it was changed by somebody who hasn't the deployment's keys.
            StoreUnavailable: the database did not answer.
        """
        rows = await self._database.read(_rows)
        return self._read(rows[-1]) if rows else ALL_MEASURED

    async def before(self) -> Choice | None:
        """The latest in which other networks decided; None when there was none.

        Raises:
            SealBroken, StoreUnavailable: as for `current`.
        """
        rows = await self._database.read(_rows)
        choices = [ALL_MEASURED, *(self._read(row) for row in rows)]
        place = _place_before(choices)
        return None if place is None else choices[place]

    async def put(self, choice: Choice, event: AuditEvent) -> None:
        """Keep a choice and the audit record of it: both or neither.

        Raises:
            StoreUnavailable: nothing was changed.
        """

        async def putting(connection: Connection) -> None:
            last = select(func.max(network_choices.c.sequence))
            row = {
                "sequence": ((await connection.execute(last)).scalar_one() or 0) + 1,
                "deciding": None if choice.deciding is None else json.dumps(sorted(choice.deciding)),
                "shadow": choice.shadow,
                "chosen_at": written(event.at),
                "chosen_by": event.actor,
            }
            await connection.execute(
                insert(network_choices).values(self._vouching.vouched(network_choices, row))
            )
            await self._audit.append_within(connection, event)

        await self._database.write(putting)

    async def take_back(self, event: AuditEvent) -> None:
        """Return to what `before` gives, with the audit record of it: both or neither.

        Raises:
            SealBroken, StoreUnavailable: nothing was changed.
        """

        async def returning(connection: Connection) -> None:
            rows = await _rows(connection)
            choices = [ALL_MEASURED, *(self._read(row) for row in rows)]
            place = _place_before(choices)
            if place is not None:
                kept = rows[place - 1]["sequence"] if place else 0
                await connection.execute(delete(network_choices).where(network_choices.c.sequence > kept))
                await self._audit.append_within(connection, event)

        await self._database.write(returning)

    async def left_out(self, *, now: Collection[ModelId], then: Collection[ModelId]) -> int:
        """How many people have references of a network of `now`, and of none of `then`.

        Raises:
            StoreUnavailable: the database did not answer.
        """

        def have(models: Collection[ModelId]) -> Exists:
            return exists().where(templates.c.subject_uid == subjects.c.uid, templates.c.model.in_(models))

        query = select(func.count()).select_from(subjects).where(have(now), ~have(then))

        async def counting(connection: Connection) -> int:
            counted: int = (await connection.execute(query)).scalar_one()
            return counted

        return await self._database.read(counting)

    def _read(self, row: RowMapping) -> Choice:
        if not self._vouching.counts(network_choices, row):
            raise SealBroken(
                "which networks decide was changed in the database by somebody without its keys; "
                "compare with the audit log, and choose again after removing the row"
            )
        deciding = None if row["deciding"] is None else frozenset(json.loads(row["deciding"]))
        return Choice(deciding, row["shadow"])


async def _rows(connection: Connection) -> list[RowMapping]:
    found = await connection.execute(select(network_choices).order_by(network_choices.c.sequence))
    return list(found.mappings())


def _place_before(choices: list[Choice]) -> int | None:
    """The last place with other deciding networks than the last one has."""
    places = (
        place for place in reversed(range(len(choices))) if choices[place].deciding != choices[-1].deciding
    )
    return next(places, None)
