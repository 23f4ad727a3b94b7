import asyncio
import gc
import resource
import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Executable, Select, func, insert, select, text, update

from facekey.core.audit import verify_chain
from facekey.core.errors import (
    KeyUnavailable,
    SealBroken,
    StoreUnavailable,
    SubjectExists,
    SubjectUnknown,
)
from facekey.core.types import SubjectId
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import subjects, templates
from tests.contract.store.opened import Store, event, on_postgres, on_sqlite, open_store, template
from tests.postgres import PostgresServer
from tests.unit.core.made import MODEL


def raw_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def records(store: Store) -> list[str]:
    found = [record async for record in store.audit.records()]
    verify_chain(found)
    return [record.body for record in found]


async def rows(store: Store, query: Select[Any]) -> list[tuple[Any, ...]]:
    async def work(connection: Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute(query)]

    return await store.database.read(work)


async def run(store: Store, statement: Executable) -> None:
    """Tamper with the tables."""
    await store.database.write(lambda connection: connection.execute(statement))


async def count_people(connection: Connection) -> int:
    people: int = (await connection.execute(select(func.count()).select_from(subjects))).scalar_one()
    return people


async def count_pages(connection: Connection) -> int:
    pages: int = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    return pages


async def test_what_is_added_comes_back(store: Store) -> None:
    added = template("alice", 1)
    receipt = await store.enrol(added, event("register", "alice"))
    assert receipt.sequence == 1
    found = await store.templates.get(SubjectId("alice"))
    assert found is not None
    np.testing.assert_array_equal(found.references[0].vectors, added.references[0].vectors)
    subject = await store.directory.find(SubjectId("alice"))
    assert subject is not None
    assert (subject.samples, subject.models) == (3, (MODEL,))
    assert await store.templates.get(SubjectId("nobody")) is None
    assert await store.directory.find(SubjectId("nobody")) is None


async def test_an_id_is_taken_once(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    with pytest.raises(SubjectExists, match="alice"):
        await store.enrol(template("alice", 2), event("register", "alice"))
    assert await store.directory.count() == 1
    assert len(await records(store)) == 1, "a failed registration must leave no record of a success"


async def test_concurrent_registrations_of_one_id(store: Store, neighbour: Store) -> None:
    outcomes = await asyncio.gather(
        *(
            side.enrol(template("alice", n), event("register", "alice"))
            for n, side in enumerate([store, neighbour] * 4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, SubjectExists) for outcome in outcomes) == 7
    assert len(await records(store)) == 1


async def test_erased_is_gone_and_the_id_is_free(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    await store.templates.erase(SubjectId("alice"), event("erase", "alice"))
    assert await store.templates.get(SubjectId("alice")) is None
    assert await store.directory.count() == 0
    with pytest.raises(SubjectUnknown):
        await store.templates.erase(SubjectId("alice"), event("erase", "alice"))
    await store.enrol(template("alice", 2), event("register", "alice"))
    assert len(await records(store)) == 3


@on_sqlite
async def test_nothing_of_an_erased_person_is_left_in_the_files(store: Store, tmp_path: Path) -> None:
    await store.enrol(template("bob", 2), event("register", "bob"))
    await store.enrol(template("alice-unmistakable", 1), event("register", "alice-unmistakable"))
    query = (
        select(subjects.c.wrapped_key, templates.c.sealed)
        .join(templates)
        .where(store.whose("alice-unmistakable"))
    )
    ((wrapped_key, sealed),) = await rows(store, query)
    await store.templates.erase(SubjectId("alice-unmistakable"), event("erase", "alice-unmistakable"))
    on_disk = raw_files(tmp_path)
    assert b"bob" not in on_disk, "nobody is named"
    for trace in (b"alice-unmistakable", wrapped_key, sealed):
        assert trace not in on_disk


@on_sqlite
async def test_stored_templates_are_not_readable(store: Store, tmp_path: Path) -> None:
    added = template("alice", 1)
    await store.enrol(added, event("register", "alice"))
    on_disk = raw_files(tmp_path)
    assert added.references[0].vectors[0].tobytes()[:32] not in on_disk


async def test_swapped_and_changed_templates_do_not_open(store: Store) -> None:
    for number, name in enumerate(("alice", "bob")):
        await store.enrol(template(name, number), event("register", name))
    stored = await rows(store, select(templates.c.subject_uid, templates.c.sealed))
    for (uid, _), (_, other) in zip(stored, reversed(stored), strict=True):
        await run(store, update(templates).where(templates.c.subject_uid == uid).values(sealed=other))
    with pytest.raises(SealBroken):
        await store.templates.get(SubjectId("alice"))
    uid, sealed = stored[0]
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    await run(store, update(templates).where(templates.c.subject_uid == uid).values(sealed=changed))
    with pytest.raises(SealBroken):
        await store.gallery.refresh()


async def test_a_renamed_row_does_not_open(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    await run(store, update(subjects).values(lookup=store.audit.names.lookup(SubjectId("mallory"))))
    with pytest.raises(SealBroken):
        await store.templates.get(SubjectId("mallory"))
    with pytest.raises(SealBroken):
        await store.directory.page(after=None, limit=1)


async def test_another_encryption_key_is_named_as_such(store: Store, url: str) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    with pytest.raises(KeyUnavailable, match="not the key of this database"):
        await open_store(url, EncryptionKey.generate())


@on_sqlite
async def test_a_locked_database_is_unavailable_not_half_written(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facekey.store.sql.sqlite.PRAGMAS", ("PRAGMA busy_timeout = 100",))
    impatient = Database(url)
    blocker = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreUnavailable, match="locked"):
            await impatient.write(count_pages)
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    await impatient.write(count_pages)
    await impatient.close()


@on_postgres
async def test_who_waits_too_long_for_the_lock_is_told_so(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facekey.store.sql.postgres.BUSY_TIMEOUT_S", 1.0)
    impatient = Database(url)

    held, release = threading.Event(), threading.Event()

    async def holding(_: Connection) -> None:
        held.set()
        assert release.wait(WAIT_S)

    holder = asyncio.create_task(store.database.write(holding))
    assert await asyncio.to_thread(held.wait, WAIT_S)
    with pytest.raises(StoreUnavailable, match="lock"):
        await impatient.write(count_people)
    release.set()
    await holder
    assert await impatient.write(count_people) == 0
    await impatient.close()


@on_postgres
async def test_a_server_that_was_restarted_is_found_again(store: Store, postgres: PostgresServer) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    postgres.halt()
    try:
        with pytest.raises(StoreUnavailable):
            await store.templates.get(SubjectId("alice"))
        with pytest.raises(StoreUnavailable):
            await store.audit.append(event("authenticate", "alice"))
    finally:
        postgres.start()
    assert await store.templates.get(SubjectId("alice")) is not None
    await store.audit.append(event("authenticate", "alice"))
    assert len(await records(store)) == 2


async def fill(store: Store, people: int) -> None:
    for number in range(people):
        await store.enrol(template(f"user{number}", number, 10), event("register", "x"))


@on_sqlite
async def test_a_full_disk_loses_nothing_and_heals(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    pages = await store.database.write(count_pages)
    await run(store, text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StoreUnavailable, match="full"):
        await fill(store, 200)
    registered = await store.directory.count()
    assert len(await records(store)) == registered, "each person has a record, and each record its person"
    await run(store, text("PRAGMA max_page_count = 1000000"))
    await store.enrol(template("late", 3), event("register", "late"))
    assert await store.directory.count() == registered + 1


async def test_pages_of_the_directory(store: Store) -> None:
    names = [f"user{number:02}" for number in range(7)]
    for number, name in enumerate(names):
        await store.enrol(template(name, number), event("register", name))
    first = await store.directory.page(after=None, limit=5)
    rest = await store.directory.page(after=first[-1].subject_id, limit=5)
    assert (len(first), len(rest)) == (5, 2)
    assert sorted(subject.subject_id for subject in (*first, *rest)) == names
    again = await store.directory.page(after=None, limit=10)
    assert [subject.subject_id for subject in again] == [one.subject_id for one in (*first, *rest)]
    await store.templates.erase(first[-1].subject_id, event("erase", "x"))
    assert await store.directory.page(after=first[-1].subject_id, limit=5) == rest, "its place stays"


WAIT_S = 20.0

SLOW = text(
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500000) SELECT max(x) FROM c"
)


async def test_who_gives_up_in_the_middle_leaves_no_lock_behind(store: Store) -> None:
    begun = threading.Event()

    async def slowly(connection: Connection) -> None:
        await store.audit.append_within(connection, event("authenticate", "alice"))
        begun.set()
        await connection.execute(SLOW)

    gc.disable()  # the collector would clear up what a broken-off statement leaves
    try:
        waiting = asyncio.create_task(store.database.write(slowly))
        assert await asyncio.to_thread(begun.wait, WAIT_S)
        await asyncio.sleep(0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await store.audit.append(event("authenticate", "bob"))
    finally:
        gc.enable()
    assert len(await records(store)) == 2, "what has begun runs to its end"


async def test_closing_waits_for_work_that_nobody_waits_for(store: Store, url: str) -> None:
    other = Database(url)
    waiting = asyncio.create_task(other.write(lambda connection: connection.execute(insert_person())))
    await asyncio.sleep(0)
    waiting.cancel()
    await other.close()
    assert await store.directory.count() == 1


def insert_person() -> Executable:
    return insert(subjects).values(
        uid="u", lookup="alice", sealed_id=b"sealed", enrolled_at="then", samples=1, wrapped_key=b"sealed"
    )


async def test_a_record_that_cannot_be_written_is_no_duplicate_person(store: Store) -> None:
    await run(store, text("ALTER TABLE audit RENAME TO elsewhere"))
    with pytest.raises(StoreUnavailable):
        await store.enrol(template("alice", 1), event("register", "alice"))
    with pytest.raises(StoreUnavailable):
        await store.audit.append(event("authenticate", "alice"))
    assert await store.directory.count() == 0


async def test_an_erasure_is_answered_even_when_the_log_cannot_be_emptied(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy() -> None:
        raise StoreUnavailable("a reader is at work")

    await store.enrol(template("alice", 1), event("register", "alice"))
    monkeypatch.setattr(store.database, "forget_deleted", busy)
    await store.templates.erase(SubjectId("alice"), event("erase", "alice"))
    assert await store.directory.count() == 0


@on_sqlite
async def test_a_write_ahead_log_that_cannot_be_emptied_is_unavailable(store: Store, tmp_path: Path) -> None:
    await fill(store, 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "store.db").stat().st_size, hard))
    try:
        with pytest.raises(StoreUnavailable, match="can't be emptied"):
            await store.database.forget_deleted()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await store.database.forget_deleted()


@on_sqlite
def test_only_the_owner_can_read_the_files(store: Store, tmp_path: Path) -> None:
    assert {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == dict.fromkeys(
        ("store.db", "store.db-wal", "store.db-shm"), 0
    )
