"""The directory: who is enrolled, without their templates."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select

from facekey.core.types import ModelId, Subject, SubjectId
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.names import Names, open_id
from facekey.store.sql.tables import subjects, templates
from facekey.store.sql.times import day_of


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a listing takes of a person's row, still sealed."""

    uid: str
    lookup: str
    sealed_id: bytes
    wrapped_key: bytes
    enrolled_at: datetime
    samples: int
    models: tuple[ModelId, ...]
    last_seen_on: date | None


class SqlDirectory:
    """Implements `core.ports.subjects.Directory`."""

    def __init__(self, database: Database, ring: KeyRing, names: Names) -> None:
        """Take the keys that ids are sealed with, and found by."""
        self._database = database
        self._ring = ring
        self._names = names

    async def find(self, subject_id: SubjectId) -> Subject | None:
        """One person, or None.

        Raises:
            KeyUnavailable, SealBroken: the row can't be opened.
            StoreUnavailable: the database did not answer.
        """
        found = await self._list(subjects.c.lookup == self._names.lookup(subject_id), limit=1)
        return found[0] if found else None

    async def page(self, *, after: SubjectId | None, limit: int) -> list[Subject]:
        """People in a fixed order, which is that of no property of theirs, from the one after `after`.

        Raises:
            KeyUnavailable, SealBroken: a row can't be opened.
            StoreUnavailable: the database did not answer.
        """
        begin = "" if after is None else self._names.lookup(after)
        return await self._list(subjects.c.lookup > begin, limit=limit)

    async def count(self) -> int:
        """How many people are enrolled."""
        return await self._database.read(_count)

    async def _list(self, condition: ColumnElement[bool], *, limit: int) -> list[Subject]:
        rows = await self._database.read(lambda connection: _listed(connection, condition, limit=limit))
        return [_subject(self._ring, row) for row in rows]


async def _count(connection: Connection) -> int:
    counted = await connection.execute(select(func.count()).select_from(subjects))
    total: int = counted.scalar_one()
    return total


async def _listed(connection: Connection, condition: ColumnElement[bool], *, limit: int) -> list[_Listed]:
    rows = (
        await connection.execute(select(subjects).where(condition).order_by(subjects.c.lookup).limit(limit))
    ).all()
    models: dict[str, list[ModelId]] = {row.uid: [] for row in rows}
    for uid, model in await connection.execute(
        select(templates.c.subject_uid, templates.c.model)
        .where(templates.c.subject_uid.in_(models))
        .order_by(templates.c.model)
    ):
        models[uid].append(ModelId(model))
    return [
        _Listed(
            row.uid,
            row.lookup,
            row.sealed_id,
            row.wrapped_key,
            datetime.fromisoformat(row.enrolled_at),
            row.samples,
            tuple(models[row.uid]),
            day_of(row.last_seen_on),
        )
        for row in rows
    ]


def _subject(ring: KeyRing, row: _Listed) -> Subject:
    seal = ring.unwrap(row.wrapped_key, row.uid)
    subject_id = open_id(seal, row.sealed_id, uid=row.uid, lookup=row.lookup)
    return Subject(subject_id, row.enrolled_at, row.samples, row.models, row.last_seen_on)
