"""The key of the snapshots that galleries leave on disk.

It is destroyed in the transaction of every erasure: no snapshot of a time when the erased person
was enrolled, nor a copy of one in a backup, can be opened from then on. The next snapshot gets a new key.
"""

from sqlalchemy import delete, insert, select

from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.tables import deployment

SNAPSHOT = "gallery snapshot"


async def snapshot_key(connection: Connection) -> bytes | None:
    """The key as it is stored; None when there is none since the last erasure."""
    query = select(deployment.c.wrapped_key).where(deployment.c.name == SNAPSHOT)
    stored = (await connection.execute(query)).scalar_one_or_none()
    return None if stored is None else bytes(stored)


async def some_snapshot_key(connection: Connection, ring: KeyRing) -> bytes:
    """The key as it is stored, a new one where there is none."""
    stored = await snapshot_key(connection)
    if stored is None:
        _, stored = ring.new_data_key(SNAPSHOT)
        await connection.execute(insert(deployment).values(name=SNAPSHOT, wrapped_key=stored))
    return stored


async def destroy_snapshot_key(connection: Connection) -> None:
    """Make every snapshot that was ever written unreadable."""
    await connection.execute(delete(deployment).where(deployment.c.name == SNAPSHOT))
