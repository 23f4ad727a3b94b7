"""Everything that root keys wrap, in the database: counted, and wrapped again in small pieces."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Column, String, Table, bindparam, case, func, select, update

from facekey.core.errors import KeyUnavailable, SealBroken, StoreUnavailable
from facekey.core.root_keys import KeyUse, Rewrapped
from facekey.store.keys.encryption_key import KEY_ID_BYTES
from facekey.store.sealing import FORMAT_WITHOUT_VERSIONS, MARK_BYTES, KeyRing, read_mark
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import deployment, signing_keys, subjects

BATCH = 100  # a few milliseconds during which nobody else can write


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A table with wrapped keys, and the column that says whose each is."""

    table: Table
    owner: Column[str]


WRAPPED = (
    _Wrapped(deployment, deployment.c.name),
    _Wrapped(signing_keys, signing_keys.c.kid),
    _Wrapped(subjects, subjects.c.uid),
)


class SqlWrappedKeys:
    """Implements `core.ports.keys.WrappedKeys`."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Take the keys: all that may still open, and the one to wrap with."""
        self._database = database
        self._ring = ring

    async def uses(self) -> tuple[KeyUse, ...]:
        """Every wrapped record there is, by the key that wrapped it.

        Raises:
            KeyUnavailable: the current key can't be had now.
            StoreUnavailable: the database did not answer.
        """
        mark = self._ring.mark()
        counted = Counter(await self._database.read(_count))
        return tuple(
            KeyUse(
                key_id=key_id.hex(),
                version=version,
                records=records,
                at_hand=self._ring.keys.find(key_id) is not None,
                current=begin == mark,
            )
            for begin, records in sorted(counted.items())
            for _, key_id, version in (read_mark(begin),)
        )

    async def rewrap(self) -> AsyncIterator[Rewrapped]:
        """Go once over all records and wrap again what is not under the current key.

        Each piece is a transaction of its own, and each record changes only if it is still
        what was read: one that was erased or wrapped again meanwhile is left alone.

        Raises:
            KeyUnavailable: the current key can't be had now.
            StoreUnavailable: what was done so far is kept.
        """
        for kind in WRAPPED:
            after = ""
            while True:
                stale = await self._database.read(
                    partial(_stale, kind=kind, mark=self._ring.mark(), after=after)
                )
                if not stale:
                    break
                yield await self._rewrap_some(kind, stale)
                after = stale[-1][0]

    async def forget_old_forms(self) -> None:
        """Drop what was replaced from the files of the database, as far as that can be done now."""
        with suppress(StoreUnavailable):
            await self._database.forget_deleted()

    async def _rewrap_some(self, kind: _Wrapped, stale: list[tuple[str, bytes]]) -> Rewrapped:
        renewed: list[dict[str, str | bytes]] = []
        without_key = broken = 0
        for owner, old in stale:
            try:
                new = self._ring.rewrap(old, owner)
            except KeyUnavailable:
                without_key += 1
            except SealBroken:
                broken += 1
            else:
                renewed.append({"of": owner, "old": old, "new": new})
        done = await self._database.write(partial(_replace, kind=kind, renewed=renewed)) if renewed else 0
        return Rewrapped(done, len(renewed) - done, without_key, broken)


async def _count(connection: Connection) -> dict[bytes, int]:
    """Records by the first bytes, which name format, key and version."""
    counted: Counter[bytes] = Counter()
    for kind in WRAPPED:
        column = kind.table.c.wrapped_key
        unversioned = func.substr(column, 1, 1) == bytes([FORMAT_WITHOUT_VERSIONS])
        length = case((unversioned, 1 + KEY_ID_BYTES), else_=MARK_BYTES)
        begin = func.substr(column, 1, length).label("begin")
        for row in await connection.execute(select(begin, func.count()).group_by(begin)):
            counted[bytes(row[0] or b"")] += row[1]
    return counted


async def _stale(
    connection: Connection, *, kind: _Wrapped, mark: bytes, after: str
) -> list[tuple[str, bytes]]:
    column = kind.table.c.wrapped_key
    rows = await connection.execute(
        select(kind.owner, column)
        .where(kind.owner > after, func.substr(column, 1, MARK_BYTES).is_distinct_from(mark))
        .order_by(kind.owner)
        .limit(BATCH)
    )
    return [(row[0], bytes(row[1])) for row in rows]


async def _replace(connection: Connection, *, kind: _Wrapped, renewed: list[dict[str, str | bytes]]) -> int:
    column = kind.table.c.wrapped_key
    swap = (
        update(kind.table)
        .where(kind.owner == bindparam("of", type_=String), column == bindparam("old"))
        .values(wrapped_key=bindparam("new"))
    )
    done = 0
    for values in renewed:  # one by one: how many rows a whole list changed is not told by every driver
        done += (await connection.execute(swap, values)).rowcount
    return done
