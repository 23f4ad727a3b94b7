"""How the doctor reads a database: it makes, migrates and seals nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select

from facekey.core.errors import StoreUnavailable
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import PSEUDONYMS
from facekey.store.sql.schema import newest_revision, revision_of
from facekey.store.sql.tables import deployment


@dataclass(frozen=True, slots=True)
class Stored:
    """A database of this version, and the key that its log is checked with."""

    database: Database
    ring: KeyRing
    pseudonym_key: bytes


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Database]:
    """A database, closed again at the end."""
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened(url: str, ring: KeyRing) -> AsyncIterator[Stored]:
    """A database with its keys.

    Raises:
        StoreUnavailable: it isn't there, was never used, or has another version's schema.
        KeyUnavailable: the root key that it was written with is not at hand.
        SealBroken: its keys were changed.
    """
    async with reading(url) as database:
        if await database.read(revision_of) != newest_revision():
            raise StoreUnavailable("the database doesn't have the schema of this version")
        wrapped = await database.read(_pseudonym_key)
        if wrapped is None:
            raise StoreUnavailable("the database was never used by a service")
        yield Stored(database, ring, ring.unwrap(wrapped, PSEUDONYMS).secret)


async def _pseudonym_key(connection: Connection) -> bytes | None:
    query = select(deployment.c.wrapped_key).where(deployment.c.name == PSEUDONYMS)
    found = (await connection.execute(query)).scalar_one_or_none()
    return None if found is None else bytes(found)
