"""What the shared index holds, whom it hides from, and how its key is changed."""

import asyncio
import json
from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import select, text

from facekey.core.errors import KeyUnavailable, SealBroken, StoreUnavailable
from facekey.core.types import Embedding, Floats, SubjectId
from facekey.store.index import pgvector
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing
from facekey.store.shared_index import CHUNK, SharedIndex
from facekey.store.sql.connection import Connection
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.store.sql.tables import subjects
from facekey.store.turning import Turning
from tests.contract.store.opened import Store, event, on_postgres, template, with_shared_gallery
from tests.contract.store.test_gallery import probe
from tests.unit.core.made import MODEL

pytestmark = on_postgres
REBUILD = event("index_rebuild", "x")


@dataclass(frozen=True)
class Row:
    uid: str
    turn: str
    turned: Floats


@pytest.fixture
async def store(store: Store) -> Store:
    return await with_shared_gallery(store)


@pytest.fixture
async def neighbour(neighbour: Store) -> Store:
    return await with_shared_gallery(neighbour)


async def rows(store: Store) -> list[Row]:
    query = text("SELECT subject_uid, turn, turned::text FROM vector_index ORDER BY subject_uid")

    async def work(connection: Connection) -> list[Row]:
        return [
            Row(uid, turn, np.array(json.loads(written), np.float32))
            for uid, turn, written in await connection.execute(query)
        ]

    return await store.database.read(work)


async def enrol(store: Store, *names: str) -> None:
    for number, name in enumerate(names):
        await store.enrol(template(name, number), event("register", name))


async def rebuild(store: Store, *, new_key: bool) -> int:
    index = SharedIndex(store.database, store.ring, store.audit)
    return await index.rebuild(new_key=new_key, event=REBUILD, report=lambda _done, _total: None)


async def found(store: Store, seed: int) -> list[str]:
    return [one.subject_id for one in (await store.gallery.search(probe(seed), top_k=1)).candidates]


async def test_vectors_lie_there_turned(store: Store) -> None:
    await enrol(store, "alice", "bob", "carol")
    await store.gallery.refresh()
    plain = np.stack([template("x", seed).references[0].centroid().vector for seed in range(3)])
    kept = np.stack([row.turned for row in await rows(store)])
    cosines = np.sort(np.abs(kept @ plain.T).ravel())
    assert cosines[-1] < 0.6, "as it came from the network nobody lies there; strangers in 64 dimensions"
    # Which is whose is not known here, but how they lie to each other is the same.
    np.testing.assert_allclose(
        np.sort((kept @ kept.T).ravel()), np.sort((plain @ plain.T).ravel()), atol=2e-3
    )
    assert len({row.turn for row in await rows(store)}) == 1


async def test_an_erased_person_is_out_of_the_index_at_once(store: Store, neighbour: Store) -> None:
    await enrol(store, "alice", "bob")
    await store.gallery.refresh()
    (gone,) = {row.uid for row in await rows(store)} - {await erase(store, "alice")}
    assert [row.uid for row in await rows(store)] == [gone]
    assert await neighbour.gallery.refresh() == 1


async def erase(store: Store, name: str) -> str:
    whose = select(subjects.c.uid).where(store.whose(name))
    found = await store.database.read(lambda connection: connection.execute(whose))
    await store.templates.erase(SubjectId(name), event("erase", name))
    return str(found.scalar_one())


async def test_a_new_key_revokes_what_was_turned(store: Store, neighbour: Store) -> None:
    names = [f"user{number}" for number in range(40)]
    await enrol(store, *names)
    await neighbour.gallery.refresh()
    before = await rows(store)

    assert await rebuild(store, new_key=True) == len(names)

    after = await rows(store)
    assert [row.uid for row in after] == [row.uid for row in before]
    assert {row.turn for row in after}.isdisjoint(row.turn for row in before)
    cosines = [float(old.turned @ new.turned) for old, new in zip(before, after, strict=True)]
    assert abs(np.mean(cosines)) < 0.08, "of strangers in 64 dimensions: deviation 0.125 / sqrt(40)"
    assert max(abs(np.array(cosines))) < 0.6
    for side in (store, neighbour):
        assert await found(side, 7) == ["user7"], "a service that knew the old key takes the new one"


async def test_the_same_key_gives_the_same_rows(store: Store) -> None:
    await enrol(store, "alice", "bob")
    await store.gallery.refresh()
    before = await rows(store)
    assert await rebuild(store, new_key=False) == 2
    for old, new in zip(before, await rows(store), strict=True):
        assert (old.uid, old.turn) == (new.uid, new.turn)
        np.testing.assert_array_equal(old.turned, new.turned)
    assert [record async for record in store.audit.records()][-1].body.count("index_rebuild") == 1


async def test_searches_during_a_rebuild_find_everybody(store: Store, neighbour: Store) -> None:
    names = [f"user{number}" for number in range(CHUNK // 10)]
    await enrol(store, *names)

    async def look() -> None:
        for seed in range(len(names)):
            assert await found(neighbour, seed) == [f"user{seed}"]

    async def renew() -> None:
        for _ in range(4):
            await rebuild(store, new_key=True)

    await asyncio.gather(look(), renew())


async def test_a_large_log_is_taken_in_piece_by_piece(store: Store) -> None:
    people = CHUNK + 5
    await enrol(store, *(f"user{number}" for number in range(people)))
    steps: list[tuple[int, int]] = []
    index = SharedIndex(store.database, store.ring, store.audit)
    await index.rebuild(new_key=False, event=REBUILD, report=lambda *step: steps.append(step))
    assert steps == [(CHUNK, people), (people, people)]
    assert len(await rows(store)) == people


async def graphs(store: Store) -> list[str]:
    async def work(connection: Connection) -> list[str]:
        return [str(row.indexname) for row in await connection.execute(pgvector.GRAPHS)]

    return await store.database.read(work)


async def test_a_graph_is_kept_from_a_size_on_and_finds_the_same(
    store: Store, neighbour: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "GRAPH_FROM", 40)
    await enrol(store, *(f"user{number}" for number in range(30)))
    await store.gallery.refresh()
    assert await graphs(store) == []
    for number in range(30, 60):
        await store.enrol(template(f"user{number}", number), event("register", f"user{number}"))
    assert [await found(neighbour, seed) for seed in (3, 55)] == [["user3"], ["user55"]]
    (graph,) = await graphs(store)

    turning = await SharedIndex(store.database, store.ring, store.audit).catch_up()
    turn = turning.of(probe(3)[0])

    async def through_the_graph(connection: Connection) -> tuple[str, list[str]]:
        """The plan of a search that may not scan, and whom it finds."""
        await connection.execute(text("SELECT set_config('enable_seqscan', 'off', true)"))
        query = pgvector.nearest_query(turn)
        given = {"probe": json.dumps(turn(probe(3)[0]).tolist()), "count": 32}
        plan = await connection.execute(text(f"EXPLAIN {query}"), given)
        uids = await pgvector.PgVectorIndex().nearest(connection, probe(3)[0], turning, 32)
        return "\n".join(row[0] for row in plan), uids

    plan, uids = await store.database.read(through_the_graph)
    assert graph in plan
    vectors = {row.uid: row.turned for row in await rows(store)}
    exact = sorted(vectors, key=lambda uid: -float(vectors[uid] @ turn(probe(3)[0])))[:32]
    assert len(set(uids) & set(exact)) >= 31
    assert uids[0] == exact[0]
    await rebuild(store, new_key=True)
    (anew,) = await graphs(store)
    assert anew != graph
    assert await found(store, 55) == ["user55"]


async def test_a_table_of_an_older_version_is_taken_over(store: Store) -> None:
    await enrol(store, "alice", "bob")
    await store.gallery.refresh()
    before = await rows(store)
    older = text("ALTER TABLE vector_index ALTER COLUMN turned TYPE vector USING turned::vector")
    await store.database.write(lambda connection: connection.execute(older))
    await SharedIndex(store.database, store.ring, store.audit).prepare()
    assert [row.uid for row in await rows(store)] == [row.uid for row in before]
    kind = await store.database.read(lambda connection: connection.execute(pgvector.COLUMN))
    assert kind.scalar_one() == "halfvec"
    assert await found(store, 1) == ["bob"]


async def test_rotation_of_the_root_key_keeps_the_rows(store: Store, key: EncryptionKey) -> None:
    await enrol(store, "alice")
    await store.gallery.refresh()
    before = await rows(store)
    ring = KeyRing(EnvironmentKeys(EncryptionKey.generate(2), [key]))
    rotated = SharedIndex(store.database, ring, store.audit)
    async for _ in SqlWrappedKeys(store.database, ring).rewrap():
        pass
    await rotated.catch_up()
    assert [row.turn for row in await rows(store)] == [row.turn for row in before]
    with pytest.raises(KeyUnavailable):
        await store.gallery.search(probe(0), top_k=1)


async def test_a_changed_template_stops_the_search(store: Store) -> None:
    await enrol(store, "alice")
    await store.gallery.refresh()
    spoil = text("UPDATE templates SET sealed = overlay(sealed placing '\\x00' from 40)")
    await store.database.write(lambda connection: connection.execute(spoil))
    with pytest.raises(SealBroken):
        await store.gallery.search(probe(0), top_k=1)
    with pytest.raises(SealBroken):
        await rebuild(store, new_key=True)


async def test_a_probe_of_a_network_that_takes_no_part(store: Store) -> None:
    await enrol(store, "alice")
    other = Embedding(probe(0)[0].vector, type(MODEL)("other:1"))
    assert (await store.gallery.search([other], top_k=1)).candidates == ()


async def test_an_index_that_never_comes_to_rest_is_unavailable(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol(store, "alice")
    catch_up = SharedIndex.catch_up

    async def renewed_again(index: SharedIndex) -> Turning:
        turning = await catch_up(index)
        await forget_key(store)
        return turning

    monkeypatch.setattr(SharedIndex, "catch_up", renewed_again)
    with pytest.raises(StoreUnavailable, match="built anew"):
        await store.gallery.search(probe(0), top_k=1)


async def forget_key(store: Store) -> None:
    """What a kill right after the emptying leaves."""
    state = text("UPDATE vector_index_state SET turning_key = '', seen = 0")
    await store.database.write(lambda connection: connection.execute(state))
