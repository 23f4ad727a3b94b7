"""Keys that belong to the deployment, wrapped by the root key and kept in its database.

Because they are wrapped, opening them at start proves that the root keys at hand are the
ones this database was written with, before a single face is compared.
"""

from dataclasses import dataclass, field

from sqlalchemy import insert, select, update

from facekey.core.errors import KeyUnavailable
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.names import Names, seal_names
from facekey.store.sql.tables import deployment

PSEUDONYMS = "pseudonyms"
DECOYS = "decoys"
TURNING = "turning"
TOKENS = "tokens"
NAMES = (PSEUDONYMS, DECOYS, TURNING, TOKENS)


@dataclass(frozen=True, slots=True)
class DeploymentKeys:
    """Secrets that live as long as the database.

    Attributes:
        pseudonyms: names people in the audit log.
        decoys: makes the stand-ins for ids that don't exist.
        tokens: signs access tokens where there is no SECRET_KEY.
    """

    pseudonyms: bytes = field(repr=False)
    decoys: bytes = field(repr=False)
    tokens: bytes = field(repr=False)


async def load_deployment_keys(database: Database, ring: KeyRing) -> DeploymentKeys:
    """Read the deployment's keys, or make them in an empty database.

    With them, ids that an older version left in the clear are sealed.

    Raises:
        KeyUnavailable: the root key that this database was written with is not at hand.
        SealBroken: a stored key was changed.
        StoreUnavailable: the database did not answer.
    """
    stored = await database.write(lambda connection: _stored(connection, ring))
    try:
        opened = {name: ring.unwrap(stored[name], name).secret for name in NAMES}
    except KeyUnavailable as error:
        raise KeyUnavailable(
            f"ENCRYPTION_KEY, or what stands in its place, is not the key of this database: {error}. "
            "Nothing can be read without the original key; restore it from your secret store"
        ) from error
    await seal_names(database, ring, Names(opened[PSEUDONYMS]))
    return DeploymentKeys(
        pseudonyms=opened[PSEUDONYMS],
        decoys=opened[DECOYS],
        tokens=opened[TOKENS],
    )


async def _stored(connection: Connection, ring: KeyRing) -> dict[str, bytes]:
    """The wrapped keys by name; those that are missing are made."""
    rows = (await connection.execute(select(deployment))).all()
    stored: dict[str, bytes] = {row.name: row.wrapped_key for row in rows}
    for name in NAMES:
        if name not in stored:
            _, stored[name] = ring.new_data_key(name)
            await connection.execute(insert(deployment).values(name=name, wrapped_key=stored[name]))
    return stored


async def turning_key(connection: Connection) -> bytes:
    """The key that turns what leaves for an external index, as it is stored.

    Not among `DeploymentKeys`, because it can change while services run. An index asks
    again before each use; there is one after `load_deployment_keys`.
    """
    query = select(deployment.c.wrapped_key).where(deployment.c.name == TURNING)
    return bytes((await connection.execute(query)).scalar_one())


async def renew_turning_key(connection: Connection, ring: KeyRing) -> None:
    """Replace that key: vectors that were turned by the old one are worth nothing from then on."""
    _, wrapped = ring.new_data_key(TURNING)
    row = update(deployment).where(deployment.c.name == TURNING)
    await connection.execute(row.values(wrapped_key=wrapped))
