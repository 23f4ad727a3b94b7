"""Keys that belong to the deployment, wrapped by ENCRYPTION_KEY and kept in its database.

Because they are wrapped, opening them at start proves that ENCRYPTION_KEY is the one
this database was written with, before a single face is compared.
"""

from dataclasses import dataclass, field

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.errors import KeyUnavailable
from facekey.store.sealing import KeyRing
from facekey.store.sql.database import Database
from facekey.store.sql.tables import deployment

PSEUDONYMS = "pseudonyms"
DECOYS = "decoys"


@dataclass(frozen=True, slots=True)
class DeploymentKeys:
    """Secrets that live as long as the database.

    Attributes:
        pseudonyms: names people in the audit log.
        decoys: makes the stand-ins for ids that don't exist.
    """

    pseudonyms: bytes = field(repr=False)
    decoys: bytes = field(repr=False)


async def load_deployment_keys(database: Database, ring: KeyRing) -> DeploymentKeys:
    """Read the deployment's keys, or make them in an empty database.

    Raises:
        KeyUnavailable: ENCRYPTION_KEY is not the one that this database was written with.
        SealBroken: a stored key was changed.
        StoreUnavailable: the database did not answer.
    """
    stored = await database.write(lambda connection: _stored(connection, ring))
    try:
        opened = {name: ring.unwrap(stored[name], name).secret for name in (PSEUDONYMS, DECOYS)}
    except KeyUnavailable as error:
        raise KeyUnavailable(
            f"ENCRYPTION_KEY is not the key of this database: {error}. Nothing can be read without "
            "the original key; restore it from your secret store"
        ) from error
    return DeploymentKeys(pseudonyms=opened[PSEUDONYMS], decoys=opened[DECOYS])


async def _stored(connection: AsyncConnection, ring: KeyRing) -> dict[str, bytes]:
    """The wrapped keys by name; those that are missing are made."""
    rows = (await connection.execute(select(deployment))).all()
    stored: dict[str, bytes] = {row.name: row.wrapped_key for row in rows}
    for name in (PSEUDONYMS, DECOYS):
        if name not in stored:
            _, stored[name] = ring.new_data_key(name)
            await connection.execute(insert(deployment).values(name=name, wrapped_key=stored[name]))
    return stored
