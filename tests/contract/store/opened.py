"""A real store in a folder of its own, and people to put into it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import ColumnElement

from facekey.core.attempts import AttemptPolicy
from facekey.core.audit import AuditEvent
from facekey.core.matching import Matcher
from facekey.core.population import Population
from facekey.core.ports.audit import Receipt
from facekey.core.types import References, SubjectId, Template
from facekey.store.decoy import PopulationDecoy
from facekey.store.gallery import MemoryGallery
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing
from facekey.store.shared_gallery import SharedGallery
from facekey.store.shared_index import SharedIndex
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import DeploymentKeys, load_deployment_keys
from facekey.store.sql.directory import SqlDirectory
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.subjects import SqlTemplates
from facekey.store.sql.tables import subjects
from tests.unit.core.made import CALIBRATION, DIMENSIONS, MODEL, direction, near

EVERYTHING = 2**62
on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For what SQLite does in its own way."""

on_postgres = pytest.mark.parametrize("url", ["postgres"], indirect=True)
"""For what PostgreSQL does in its own way."""

ATTEMPTS = AttemptPolicy()
POPULATION = Population(np.zeros(DIMENSIONS, np.float32), np.eye(DIMENSIONS, dtype=np.float32))


@dataclass(frozen=True)
class Store:
    """One process's view of a database."""

    url: str
    database: Database
    ring: KeyRing
    keys: DeploymentKeys
    audit: SqlAuditLog
    ledger: SqlLedger
    decoy: PopulationDecoy
    templates: SqlTemplates
    directory: SqlDirectory
    gallery: MemoryGallery | SharedGallery

    def whose(self, user_id: str) -> ColumnElement[bool]:
        """Tells a person's row."""
        return subjects.c.lookup == self.audit.names.lookup(SubjectId(user_id))

    async def enrol(self, template: Template, event: AuditEvent) -> Receipt:
        """Store a person whose face was looked for in all of the gallery."""
        return await self.templates.add(template, event, searched=EVERYTHING)


async def open_store(url: str, key: EncryptionKey) -> Store:
    database, ring = Database(url), KeyRing(EnvironmentKeys(key))
    try:
        keys = await load_deployment_keys(database, ring)
    except Exception:
        await database.close()
        raise
    audit = SqlAuditLog(database, pseudonym_key=keys.pseudonyms)
    decoy = PopulationDecoy({MODEL: POPULATION}, key=keys.decoys)
    return Store(
        url,
        database,
        ring,
        keys,
        audit,
        SqlLedger(database, audit, ATTEMPTS, pseudonym_key=keys.pseudonyms),
        decoy,
        SqlTemplates(database, ring, audit, decoy),
        SqlDirectory(database, ring, audit.names),
        MemoryGallery(database, ring, Matcher({MODEL: CALIBRATION})),
    )


def template(user_id: str, seed: int, photos: int = 3) -> Template:
    vectors = np.stack([near(direction(seed), 0.9, 1000 * seed + n + 500) for n in range(photos)])
    return Template(SubjectId(user_id), (References(MODEL, vectors),))


def event(action: str, user_id: str, *, at: datetime | None = None) -> AuditEvent:
    when = at or datetime.now(UTC)
    return AuditEvent(action, "test", SubjectId(user_id), "done", "test", when, {"n": 1})


async def with_shared_gallery(store: Store) -> Store:
    """The same with a gallery in pgvector; on PostgreSQL only."""
    index = SharedIndex(store.database, store.ring, store.audit)
    await index.prepare()
    gallery = SharedGallery(store.database, store.ring, Matcher({MODEL: CALIBRATION}), index)
    return replace(store, gallery=gallery)
