"""The keys of a deployment and their age, for people; never what they are made of."""

from datetime import datetime

from sqlalchemy import select

from facekey.core.root_keys import RootKey, SigningKey
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.store.sql.tables import signing_keys
from facekey.store.sql.times import time_of


class SqlKeyInventory:
    """Implements `core.ports.keys.KeyInventory`."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        """Take the keys at hand, and the database that says what hangs on them."""
        self._database = database
        self._ring = ring
        self._wrapped = SqlWrappedKeys(database, ring)

    async def root_keys(self) -> tuple[RootKey, ...]:
        """The current key first, also before anything hangs on it; then every other that records hang on.

        Raises:
            KeyUnavailable: the current key can't be had now.
            StoreUnavailable: the database did not answer.
        """
        provider = self._ring.keys
        current = provider.current()
        known = [
            RootKey(
                use.key_id,
                use.version,
                current=use.current,
                at_hand=use.at_hand,
                records=use.records,
                made_at=provider.made_at(bytes.fromhex(use.key_id)),
            )
            for use in await self._wrapped.uses()
        ]
        if not any(key.current for key in known):
            key_id, made_at = current.key_id, provider.made_at(current.key_id)
            known.append(
                RootKey(key_id.hex(), current.version, current=True, at_hand=True, records=0, made_at=made_at)
            )
        return tuple(sorted(known, key=lambda key: not key.current))

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        """Every signing key, the newest first.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        return await self._database.read(_signing)


async def _signing(connection: Connection) -> tuple[SigningKey, ...]:
    keys = signing_keys.c
    rows = await connection.execute(
        select(keys.kid, keys.purpose, keys.created_at, keys.retired_at).order_by(keys.created_at.desc())
    )
    return tuple(
        SigningKey(row.kid, row.purpose, datetime.fromisoformat(row.created_at), time_of(row.retired_at))
        for row in rows
    )
