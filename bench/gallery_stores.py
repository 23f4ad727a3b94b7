"""The whole search with its database: catching up, finding, opening the templates of those found, comparing.

Protocol: 5,000 made-up people (`bench/gallery_people.py`, 192 numbers, one vector each) stored as
registrations are; mated probes and strangers in turns, one search at a time. SQLite with the index in
memory, PostgreSQL with it, and PostgreSQL with pgvector (half precision; a graph, as there are more than
2,000). Recall is whether the person with the highest likeness is the first of the answer.
"""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.gallery_people import STRANGERS, mated, people
from bench.gallery_rows import say
from bench.results import Cell, Column, Result, Table
from facekey.core.matching import Matcher
from facekey.core.types import Embedding, References, SubjectId, Template
from facekey.store.gallery import MemoryGallery
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.shared_gallery import SharedGallery
from facekey.store.shared_index import SharedIndex
from facekey.store.sql.migrate import migrate
from tests.contract.store.opened import event, open_store
from tests.postgres import start_postgres
from tests.unit.core.made import CALIBRATION, MODEL

PEOPLE = 5_000
DIMENSIONS = 192
EACH = 100
WARM_UP = 10
MS = 1000.0
COLUMNS = (
    Column("database and index"),
    Column("people", digits=0),
    Column("p50", "ms", 2),
    Column("p99", "ms", 2),
    Column("recall, mated", digits=4),
    Column("recall, strangers", digits=4),
    Column("filling the index", "ms a person", 3),
)


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    with TemporaryDirectory() as folder:
        address = f"sqlite:///{Path(folder) / 'gallery.db'}"
        migrate(address)
        rows = asyncio.run(_measure("SQLite", address, shared=False))
    postgres = start_postgres()
    try:
        rows += asyncio.run(_measure("PostgreSQL", postgres.migrated(), shared=True))
    finally:
        postgres.stop()
    for row in rows:
        say(COLUMNS, row)
    return Result(tables=(Table("gallery_stores", "The whole search", COLUMNS, tuple(rows)),))


async def _measure(kind: str, address: str, *, shared: bool) -> list[tuple[Cell, ...]]:
    store = await open_store(address, EncryptionKey.generate())
    try:
        vectors = next(people(PEOPLE, DIMENSIONS))[1]
        for number, vector in enumerate(vectors):
            template = Template(SubjectId(str(number)), (References(MODEL, vector[np.newaxis]),))
            await store.enrol(template, event("register", str(number)))
        matcher = Matcher({MODEL: CALIBRATION})
        galleries: dict[str, MemoryGallery | SharedGallery] = {
            f"{kind}, in memory": MemoryGallery(store.database, store.ring, matcher)
        }
        if shared:
            index = SharedIndex(store.database, store.ring, store.audit)
            await index.prepare()
            galleries["pgvector"] = SharedGallery(store.database, store.ring, matcher, index)
        strangers = next(people(EACH, DIMENSIONS, seed=STRANGERS))[1]
        probes = np.concatenate([mated(vectors[:EACH]), strangers])
        own = (probes @ vectors.T).argmax(axis=1)
        rows: list[tuple[Cell, ...]] = []
        for name, gallery in galleries.items():
            began = time.perf_counter()
            await gallery.refresh()
            filling = MS * (time.perf_counter() - began) / PEOPLE
            for probe in probes[:WARM_UP]:
                await gallery.search([Embedding(probe, MODEL)], top_k=3)
            taken, hits = [], []
            for probe, number in zip(probes, own, strict=True):
                began = time.perf_counter()
                found = await gallery.search([Embedding(probe, MODEL)], top_k=3)
                taken.append(MS * (time.perf_counter() - began))
                hits.append(found.candidates[0].subject_id == str(number))
            p50, p99 = (float(part) for part in np.quantile(taken, [0.5, 0.99]))
            recalls = float(np.mean(hits[:EACH])), float(np.mean(hits[EACH:]))
            rows.append((name, PEOPLE, p50, p99, *recalls, filling))
        return rows
    finally:
        await store.database.close()
