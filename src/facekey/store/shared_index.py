"""The index that all services share, kept at the state of the database.

Before each search the index takes in what is new in the database's log of changes, in
transactions that move its mark along. Whichever service searches first does it for all.
An erased person's rows go with the person, in the same transaction. When the turning key
is another one than that of the rows, they are thrown away and made anew.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import func, select

from facekey.core.audit import AuditEvent
from facekey.core.errors import StoreUnavailable
from facekey.store.index.pgvector import IndexState, PgVectorIndex
from facekey.store.sealing import KeyRing
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import TURNING, renew_turning_key, turning_key
from facekey.store.sql.sealed_subjects import open_sealed, read_sealed
from facekey.store.sql.tables import ERASED, gallery_changes, subjects
from facekey.store.turning import Turning

CHUNK = 200  # entries of the log for each transaction; nobody else can write during one

Report = Callable[[int, int], None]
"""Takes the number of entries of the log that are in the index, and of all."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the index is, and where it should be.

    Attributes:
        state: what its rows are; None when there never were any.
        latest: the last entry of the log.
        turning: by the key of this moment.
    """

    state: IndexState | None
    latest: int
    turning: Turning

    @property
    def current(self) -> bool:
        return self.state == IndexState(self.turning.key_id, self.latest)


class SharedIndex:
    """Implements `core.ports.gallery.RenewableIndex` over pgvector."""

    def __init__(self, database: Database, ring: KeyRing, audit: SqlAuditLog) -> None:
        """Take a PostgreSQL database; `prepare` makes the tables."""
        self._database = database
        self._ring = ring
        self._audit = audit
        self._rows = PgVectorIndex()
        self._turning: tuple[bytes, Turning] | None = None  # by the stored form of its key

    async def prepare(self) -> None:
        """Make what the index needs in the database.

        Raises:
            StoreUnavailable: pgvector is not there, or this user may not switch it on.
        """
        await self._database.write(self._rows.prepare)

    async def catch_up(self, report: Report | None = None) -> Turning:
        """Bring the index to where the log is; give the turning of its rows.

        Raises:
            KeyUnavailable, SealBroken: a new template can't be opened.
            StoreUnavailable: the database did not answer.
        """
        standing = await self._database.read(self._standing)
        while not standing.current:
            standing = await self._database.write(self._take_in)
            if report is not None and standing.state is not None:
                report(standing.state.seen, standing.latest)
        return standing.turning

    async def _standing(self, connection: Connection) -> _Standing:
        latest = (await connection.execute(select(func.max(gallery_changes.c.sequence)))).scalar_one()
        return _Standing(
            await self._rows.state(connection), latest or 0, self._turning_by(await turning_key(connection))
        )

    async def _take_in(self, connection: Connection) -> _Standing:
        """One piece of the log. All writers take turns, so nobody else does the same meanwhile."""
        standing = await self._standing(connection)
        state, turning = standing.state, standing.turning
        if state is None or state.turning_key != turning.key_id:
            await self._rows.clear(connection)
            state = IndexState(turning.key_id, 0)
        entries = (
            await connection.execute(
                select(gallery_changes)
                .where(gallery_changes.c.sequence > state.seen)
                .order_by(gallery_changes.c.sequence)
                .limit(CHUNK)
            )
        ).all()
        kinds = {entry.subject_uid: entry.kind for entry in entries}
        await self._rows.remove(connection, [uid for uid, kind in kinds.items() if kind == ERASED])
        present = [uid for uid, kind in kinds.items() if kind != ERASED]
        # Whoever was erased by a later entry is not found here.
        people = await read_sealed(connection, subjects.c.uid.in_(present)) if present else []
        means = {
            sealed.uid: [one.centroid() for one in open_sealed(self._ring, sealed).references]
            for sealed in people
        }
        await self._rows.put(connection, means, turning)
        turns = {turning.of(one).turn_id: turning.of(one) for person in means.values() for one in person}
        await self._rows.grow_graphs(connection, turns.values())
        state = IndexState(turning.key_id, entries[-1].sequence if entries else standing.latest)
        await self._rows.become(connection, state)
        return _Standing(state, standing.latest, turning)

    async def rebuild(self, *, new_key: bool, event: AuditEvent, report: Report) -> int:
        """Empty the index and fill it from the sealed templates; give the number of people.

        Killed in the middle, it is completed by the next search of any service.

        Args:
            new_key: replace the turning key first. What was turned by the old one, stolen
                copies and backups included, compares with nothing from then on.
            event: goes on record in the transaction that empties.
            report: is told how far it is.

        Raises:
            KeyUnavailable, SealBroken: a template can't be opened; the rest is not in the index either.
            StoreUnavailable: the database did not answer.
        """

        async def emptying(connection: Connection) -> None:
            if new_key:
                await renew_turning_key(connection, self._ring)
            await self._rows.clear(connection)
            await self._rows.become(connection, IndexState("", 0))
            await self._audit.append_within(connection, event)

        await self._database.write(emptying)
        with suppress(StoreUnavailable):
            await self._database.forget_deleted()  # the old rows are still in the files
        await self.catch_up(report)
        return await self._database.read(self._rows.people)

    def _turning_by(self, wrapped: bytes) -> Turning:
        """The turning by a stored key; made anew when the key is another one."""
        if self._turning is None or self._turning[0] != wrapped:
            turning = Turning(self._ring.unwrap(wrapped, TURNING).secret)
            if self._turning is not None and self._turning[1].key_id == turning.key_id:
                turning = self._turning[1]  # the same key, wrapped again: its matrices stay
            self._turning = wrapped, turning
        return self._turning[1]
