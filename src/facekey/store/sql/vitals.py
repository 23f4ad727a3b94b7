"""How the database is, in a few counts over indexed or small tables."""

from datetime import datetime

from sqlalchemy import func, select

from facekey.core.vitals import Vitals
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import attempts, audit_checkpoints, audit_head, outbox, signing_keys
from facekey.store.sql.times import time_of, written

ROOT = "root"


class SqlVitalSigns:
    """Implements `core.ports.vitals.VitalSigns`."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Take the database, and the keys whose age is told."""
        self._database = database
        self._ring = ring

    async def read(self, *, at: datetime) -> Vitals:
        """One look, all of one moment.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        root = self._ring.keys.made_at(self._ring.keys.current().key_id)

        async def reading(connection: Connection) -> Vitals:
            return Vitals(
                at=at,
                kept_out=await _kept_out(connection, at),
                alerts_waiting=await _messages(connection, given_up=False),
                alerts_given_up=await _messages(connection, given_up=True),
                audit_records=(await connection.execute(select(func.max(audit_head.c.sequence)))).scalar()
                or 0,
                checkpoint_at=time_of(
                    (await connection.execute(select(func.max(audit_checkpoints.c.at)))).scalar()
                ),
                keys_made_at={**({} if root is None else {ROOT: root}), **await _signing_keys(connection)},
            )

        return await self._database.read(reading)


async def _kept_out(connection: Connection, at: datetime) -> dict[str, int]:
    """Who is kept out now, by the kind of counter."""
    waits = attempts.c.wait_until > written(at)
    rows = await connection.execute(select(attempts.c.key).where(waits | attempts.c.locked_at.is_not(None)))
    counted: dict[str, int] = {}
    for key in rows.scalars():
        kind = key.partition(":")[0]
        counted[kind] = counted.get(kind, 0) + 1
    return counted


async def _messages(connection: Connection, *, given_up: bool) -> int:
    open_ = outbox.c.failed_at.is_not(None) if given_up else outbox.c.failed_at.is_(None)
    rows = await connection.execute(select(func.count()).where(outbox.c.sent_at.is_(None), open_))
    return int(rows.scalar_one())


async def _signing_keys(connection: Connection) -> dict[str, datetime]:
    """When the newest key of each purpose was made."""
    rows = await connection.execute(
        select(signing_keys.c.purpose, func.max(signing_keys.c.created_at))
        .where(signing_keys.c.retired_at.is_(None))
        .group_by(signing_keys.c.purpose)
    )
    return {row[0]: datetime.fromisoformat(row[1]) for row in rows}
