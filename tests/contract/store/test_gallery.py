import sqlite3
from pathlib import Path

import numpy as np
import pytest

from facekey.core.errors import GalleryMoved, SubjectExists
from facekey.core.population import Population
from facekey.core.types import Embedding, SubjectId
from facekey.store.decoy import PopulationDecoy
from tests.contract.store.opened import Store, event, on_sqlite, template, with_shared_gallery
from tests.unit.core.made import DIMENSIONS, MODEL, direction, near


@pytest.fixture(params=["sqlite", "postgres", "pgvector"])
def url(request: pytest.FixtureRequest) -> str:
    """A database for each kind of gallery: in memory on both kinds of database, and shared."""
    kind = "postgres" if request.param == "pgvector" else request.param
    address: str = request.getfixturevalue(f"{kind}_url")
    return address


@pytest.fixture
async def store(request: pytest.FixtureRequest, store: Store) -> Store:
    shared = request.node.callspec.params["url"] == "pgvector"
    return await with_shared_gallery(store) if shared else store


@pytest.fixture
async def neighbour(request: pytest.FixtureRequest, neighbour: Store) -> Store:
    shared = request.node.callspec.params["url"] == "pgvector"
    return await with_shared_gallery(neighbour) if shared else neighbour


def probe(seed: int) -> list[Embedding]:
    return [Embedding(near(direction(seed), 0.9, 9_000 + seed), MODEL)]


async def test_the_right_person_is_found_first(store: Store) -> None:
    for number in range(20):
        await store.enrol(template(f"user{number}", number), event("register", f"user{number}"))
    for number in range(20):
        search = await store.gallery.search(probe(number), top_k=3)
        assert search.gallery_size == 20
        assert search.candidates[0].subject_id == f"user{number}"
        evidences = [candidate.match.evidence for candidate in search.candidates]
        assert evidences == sorted(evidences, reverse=True)
        assert len(evidences) == 3


async def test_an_empty_gallery(store: Store) -> None:
    search = await store.gallery.search(probe(1), top_k=3)
    assert (search.candidates, search.gallery_size) == ((), 0)


async def test_changes_by_another_process_are_seen_at_the_next_search(store: Store, neighbour: Store) -> None:
    assert (await store.gallery.search(probe(1), top_k=1)).gallery_size == 0
    await neighbour.enrol(template("alice", 1), event("register", "alice"))
    assert (await store.gallery.search(probe(1), top_k=1)).candidates[0].subject_id == "alice"
    await neighbour.templates.erase(SubjectId("alice"), event("erase", "alice"))
    await neighbour.enrol(template("alice", 2), event("register", "alice"))
    found = await store.gallery.search(probe(2), top_k=2)
    assert [candidate.subject_id for candidate in found.candidates] == ["alice"]
    assert found.candidates[0].match.evidence > 4.0
    await store.templates.erase(SubjectId("alice"), event("erase", "alice"))
    assert (await neighbour.gallery.search(probe(2), top_k=1)).gallery_size == 0


def test_a_decoy_is_steady_secret_and_like_a_stranger() -> None:
    population = Population(np.zeros(DIMENSIONS, np.float32), np.eye(DIMENSIONS, dtype=np.float32))
    decoy = PopulationDecoy({MODEL: population}, key=b"k" * 32)
    other_key = PopulationDecoy({MODEL: population}, key=b"l" * 32)

    def centroid(maker: PopulationDecoy, name: str) -> np.ndarray:
        return maker.template(SubjectId(name)).references[0].centroid().vector

    np.testing.assert_array_equal(centroid(decoy, "ghost"), centroid(decoy, "ghost"))
    assert abs(float(centroid(decoy, "ghost") @ centroid(decoy, "ghost2"))) < 0.6
    assert abs(float(centroid(decoy, "ghost") @ centroid(other_key, "ghost"))) < 0.6


async def test_nobody_is_added_after_a_search_that_could_not_see_everybody(
    store: Store, neighbour: Store
) -> None:
    before = await store.gallery.search(probe(1), top_k=1)
    await neighbour.enrol(template("alice", 1), event("register", "alice"))
    with pytest.raises(GalleryMoved):
        await store.templates.add(template("bob", 1), event("register", "bob"), searched=before.as_of)
    with pytest.raises(SubjectExists):
        await store.templates.add(template("alice", 1), event("register", "alice"), searched=before.as_of)
    after = await store.gallery.search(probe(1), top_k=1)
    await neighbour.templates.erase(SubjectId("alice"), event("erase", "alice"))
    await store.templates.add(template("bob", 1), event("register", "bob"), searched=after.as_of)
    assert await store.directory.count() == 1


@on_sqlite
async def test_a_database_that_was_put_back_is_read_from_the_start(store: Store, tmp_path: Path) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    live, backup = (sqlite3.connect(tmp_path / name) for name in ("store.db", "backup.db"))
    live.backup(backup)
    await store.templates.erase(SubjectId("alice"), event("erase", "alice"))
    await store.enrol(template("bob", 2), event("register", "bob"))
    assert (await store.gallery.search(probe(2), top_k=1)).candidates[0].subject_id == "bob"
    backup.backup(live)
    for connection in (live, backup):
        connection.close()
    found = await store.gallery.search(probe(2), top_k=5)
    assert [candidate.subject_id for candidate in found.candidates] == ["alice"]
