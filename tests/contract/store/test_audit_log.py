"""Attacks on the stored log by whoever can write to the database, but has no keys."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from facekey.core.audit import GENESIS, ChainedRecord, Head, chain
from facekey.core.audit_lines import parse_line
from facekey.core.audit_statements import AT_ONCE, Checkpoint, CheckpointPolicy
from facekey.core.errors import AuditBroken, StoreUnavailable
from facekey.core.ports.audit import AuditQuery
from facekey.core.types import SubjectId
from facekey.store.checkpoint_file import CheckpointFile
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.audit_trail import SqlAuditView
from facekey.store.sql.checkpoints import SqlCheckpoints
from facekey.store.sql.connection import Connection
from facekey.store.sql.tables import audit, audit_checkpoints, audit_head
from tests.contract.store.opened import Store, event, on_postgres, open_store
from tests.unit.services.deployed import SIGNER, verifying

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORDS = 6

Tamper = Callable[[Connection], Awaitable[None]]


async def append(store: Store, count: int) -> None:
    for number in range(count):
        await store.audit.append(event("authenticate", f"user{number}"))


def checkpoints(store: Store, file: Path | None = None) -> SqlCheckpoints:
    witness = None if file is None else CheckpointFile(file)
    return SqlCheckpoints(store.database, SIGNER, pseudonym_key=store.keys.pseudonyms, witness=witness)


@pytest.fixture
async def log(store: Store) -> Store:
    """Six records, and a checkpoint after the third."""
    await append(store, 3)
    await checkpoints(store).write(AT_ONCE, at=NOW)
    await append(store, RECORDS - 3)
    return store


async def attack(store: Store, tamper: Tamper) -> None:
    """Change the tables as somebody would who may do everything but read keys."""

    async def attacking(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            for table in ("audit", "audit_checkpoints"):
                await connection.execute(text(f"DROP TRIGGER {table}_only_grows ON {table}"))
            await connection.execute(text("ALTER TABLE audit DROP CONSTRAINT pk_audit"))
        else:
            for table in ("audit", "audit_checkpoints"):
                for change in ("update", "delete"):
                    await connection.execute(text(f"DROP TRIGGER {table}_no_{change}"))
        await tamper(connection)

    await store.database.write(attacking)


async def stored(connection: Connection) -> list[ChainedRecord]:
    rows = await connection.execute(select(audit).order_by(audit.c.sequence))
    return [ChainedRecord(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in rows]


async def put(connection: Connection, record: ChainedRecord) -> None:
    await connection.execute(
        insert(audit).values(
            sequence=record.sequence, body=record.body, previous=record.previous, digest=record.digest
        )
    )


async def rewrite_from(connection: Connection, sequence: int, *, drop: bool = False) -> None:
    """Change or drop one record, and compute all hashes after it anew."""
    records = await stored(connection)
    await connection.execute(delete(audit).where(audit.c.sequence >= sequence))
    previous = records[sequence - 2].digest if sequence > 1 else GENESIS
    rest = records[sequence:] if drop else records[sequence - 1 :]
    for number, record in enumerate(rest, start=sequence):
        new = chain(number, record.body.replace("done", "gone"), previous)
        await put(connection, new)
        previous = new.digest


async def move_head(connection: Connection) -> None:
    """Let the head name what is the last record now; its seal can't be made."""
    last = (await stored(connection))[-1]
    await connection.execute(update(audit_head).values(sequence=last.sequence, digest=last.digest))


async def remove(connection: Connection, sequence: int) -> None:
    await connection.execute(delete(audit).where(audit.c.sequence == sequence))


async def change(connection: Connection) -> None:
    await connection.execute(update(audit).where(audit.c.sequence == 2).values(body="{}"))


async def swap(connection: Connection) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        await connection.execute(update(audit).where(audit.c.sequence == old).values(sequence=new))


async def add_behind(connection: Connection) -> None:
    last = (await stored(connection))[-1]
    await put(connection, chain(last.sequence + 1, last.body, last.digest))


async def add_behind_and_move(connection: Connection) -> None:
    await add_behind(connection)
    await move_head(connection)


async def insert_between(connection: Connection) -> None:
    records = await stored(connection)
    await connection.execute(delete(audit).where(audit.c.sequence >= 5))
    previous = records[3].digest
    for number, record in enumerate((records[0], *records[4:]), start=5):
        new = chain(number, record.body, previous)
        await put(connection, new)
        previous = new.digest


async def cut(connection: Connection) -> None:
    await remove(connection, 6)


async def cut_and_move(connection: Connection) -> None:
    await remove(connection, 6)
    await move_head(connection)


async def rewrite_all(connection: Connection) -> None:
    await rewrite_from(connection, 1)


async def rewrite_all_and_move(connection: Connection) -> None:
    await rewrite_from(connection, 1)
    await move_head(connection)


async def drop_and_move(connection: Connection) -> None:
    await rewrite_from(connection, 5, drop=True)
    await move_head(connection)


async def behead(connection: Connection) -> None:
    await remove(connection, 6)
    await connection.execute(delete(audit_head))


async def empty(connection: Connection) -> None:
    await connection.execute(delete(audit))


async def forge_a_checkpoint(connection: Connection) -> None:
    signature = bytes.fromhex(SIGNER.sign(b"").kid) + bytes(64)
    await connection.execute(
        insert(audit_checkpoints).values(
            sequence=5, digest=bytes(32), at=NOW.isoformat(), signature=signature
        )
    )


@pytest.mark.parametrize(
    ("tamper", "found_at"),
    [
        (partial(remove, sequence=1), 1),
        (partial(remove, sequence=4), 4),
        (cut, 6),
        (change, 2),
        (swap, 2),
        (insert_between, 6),
        (add_behind, 7),
        (add_behind_and_move, 7),
        (cut_and_move, 5),
        (rewrite_all, 3),
        (rewrite_all_and_move, 6),
        (drop_and_move, 5),
        (behead, 5),
        (empty, 1),
        (forge_a_checkpoint, 5),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_whatever_is_changed_is_found_and_named(log: Store, tamper: Tamper, found_at: int) -> None:
    assert (await verifying(log)()).head.sequence == RECORDS
    await attack(log, tamper)
    with pytest.raises(AuditBroken) as broken:
        await verifying(log)()
    assert broken.value.sequence == found_at


@on_postgres  # with SQLite the number is the row's own key: no second row can have it
async def test_a_record_that_is_there_twice(log: Store) -> None:

    async def duplicate(connection: Connection) -> None:
        await put(connection, (await stored(connection))[3])

    await attack(log, duplicate)
    with pytest.raises(AuditBroken, match="record 4: is there twice"):
        await verifying(log)()


async def test_what_stands_on_a_border_between_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facekey.store.sql.audit_trail.BATCH", 2)
    await append(store, 5)
    assert [record.sequence async for record in store.audit.records()] == [1, 2, 3, 4, 5]
    if store.url.startswith("postgresql"):

        async def duplicate(connection: Connection) -> None:
            second = (await stored(connection))[1]
            await put(connection, ChainedRecord(2, "{}", second.previous, second.digest))

        await attack(store, duplicate)
        with pytest.raises(AuditBroken):
            await verifying(store)()


@pytest.mark.parametrize("tamper", [cut_and_move, rewrite_all_and_move, behead, add_behind_and_move])
async def test_nothing_is_appended_to_a_log_that_somebody_else_ended(log: Store, tamper: Tamper) -> None:
    await attack(log, tamper)
    with pytest.raises(AuditBroken):
        await log.audit.append(event("authenticate", "alice"))


async def test_an_old_head_put_back_is_seen_by_who_saw_a_newer_one(log: Store, neighbour: Store) -> None:
    async def keep(connection: Connection) -> tuple[int, bytes, bytes]:
        row = (await connection.execute(select(audit_head))).one()
        return row.sequence, row.digest, row.seal

    sequence, digest, seal = await log.database.read(keep)
    await append(log, 3)

    async def put_back(connection: Connection) -> None:
        await connection.execute(delete(audit).where(audit.c.sequence > sequence))
        await connection.execute(update(audit_head).values(sequence=sequence, digest=digest, seal=seal))

    await attack(log, put_back)
    assert (await verifying(log)()).head.sequence == RECORDS, "the database alone can't tell"
    with pytest.raises(AuditBroken, match="record 8: gone, though this process saw it"):
        await log.audit.append(event("authenticate", "alice"))
    await neighbour.audit.append(event("authenticate", "bob"))  # it saw nothing newer
    with pytest.raises(AuditBroken):
        await log.audit.append(event("authenticate", "alice"))


async def test_a_transaction_that_fails_is_no_newer_head(store: Store) -> None:
    await append(store, 1)

    async def failing(connection: Connection) -> None:
        for _ in range(2):
            await store.audit.append_within(connection, event("authenticate", "alice"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.database.write(failing)
    assert (await store.audit.append(event("authenticate", "bob"))).sequence == 2
    await verifying(store)()


async def test_a_database_put_back_is_noticed_by_the_file_of_checkpoints(log: Store, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.jsonl"
    await append(log, 3)
    await checkpoints(log, file).write(AT_ONCE, at=NOW)

    async def put_back(connection: Connection) -> None:
        await connection.execute(delete(audit).where(audit.c.sequence > 3))
        await connection.execute(delete(audit_checkpoints))

    await attack(log, put_back)
    lines = file.read_text().splitlines()
    kept = [parse_line(line, 1) for line in lines]
    assert [isinstance(one, Checkpoint) for one in kept] == [True]
    assert file.stat().st_mode & 0o077 == 0
    anchors = [one.anchor for one in kept if isinstance(one, Checkpoint)]
    with pytest.raises(AuditBroken, match=r"record 4: missing.* there were 9"):
        await verifying(log)(anchors)


async def test_checkpoints_are_due_after_records_or_time(store: Store, neighbour: Store) -> None:
    policy = CheckpointPolicy(records=3, time=timedelta(hours=1))
    kept, other = checkpoints(store), checkpoints(neighbour)
    assert await kept.write(policy, at=NOW) is None, "of an empty log there is nothing to say"
    await append(store, 1)
    first = await kept.write(policy, at=NOW)
    assert first is not None
    assert first.head == Head(1, (await store.audit.records().__anext__()).digest)
    await append(store, 2)
    assert await kept.write(policy, at=NOW) is None
    assert await other.write(policy, at=NOW + timedelta(hours=1)) is not None
    assert await kept.write(policy, at=NOW + timedelta(days=1)) is None, "nothing happened since"
    await append(store, 3)
    made = await asyncio.gather(*(side.write(policy, at=NOW) for side in (kept, other) * 3))
    assert sum(one is not None for one in made) == 1, "of several services one signs"
    checked = await verifying(store)()
    assert (checked.checkpoints, checked.signed_up_to, checked.sealed) == (3, 6, True)


async def test_no_checkpoint_without_its_witness(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "kept" / "checkpoints.jsonl"
    file.parent.mkdir()
    kept = checkpoints(store, file)
    await append(store, 1)
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(StoreUnavailable, match="can't be written"):
        await kept.write(AT_ONCE, at=NOW)
    assert (await verifying(store)()).checkpoints == 0
    file.parent.mkdir()
    assert await kept.write(AT_ONCE, at=NOW) is not None
    assert len(file.read_text().splitlines()) == 1


async def test_a_forged_head_is_not_signed(log: Store) -> None:
    await attack(log, cut_and_move)
    with pytest.raises(AuditBroken):
        await checkpoints(log).write(AT_ONCE, at=NOW)


async def test_a_log_of_an_older_version_is_sealed_once(log: Store, neighbour: Store) -> None:
    records = [record async for record in log.audit.records()]
    head = Head(records[-1].sequence, records[-1].digest)
    with pytest.raises(AuditBroken, match="already"):
        await log.audit.seal(head, event("seal_audit", "x"))

    async def unseal(connection: Connection) -> None:
        await connection.execute(delete(audit_head))

    await attack(log, unseal)
    with pytest.raises(AuditBroken, match="the head was removed"):
        await verifying(log)()
    with pytest.raises(AuditBroken, match="not the last"):
        await neighbour.audit.seal(Head(1, records[0].digest), event("seal_audit", "x"))
    assert (await neighbour.audit.seal(head, event("seal_audit", "x"))).sequence == RECORDS + 1
    assert (await verifying(log)()).sealed


async def test_an_empty_log_is_sealed_by_its_first_record(store: Store) -> None:
    assert (await store.audit.seal(Head(0, GENESIS), event("seal_audit", "x"))).sequence == 1


async def test_records_are_found_by_what_they_say(store: Store) -> None:
    view = SqlAuditView(store.database, pseudonym_key=store.keys.pseudonyms)
    for action, user_id in (("register", "al_ce"), ("authenticate", "al_ce"), ("authenticate", "alice")):
        await store.audit.append(event(action, user_id))

    async def found(**wanted: object) -> list[int]:
        return [record.sequence for record in await view.find(AuditQuery(**{"limit": 10, **wanted}))]  # type: ignore[arg-type]

    assert await found() == [3, 2, 1]
    assert await found(limit=2) == [3, 2]
    assert await found(before=3) == [2, 1]
    assert await found(action="authenticate") == [3, 2]
    assert await found(action="_uthenticate") == [], "no pattern"
    assert await found(outcome="done") == [3, 2, 1]
    assert await found(outcome="test") == [], "that is the reason"
    assert await found(subject_id=SubjectId("al_ce")) == [2, 1]
    assert await found(subject_id=SubjectId("alice"), action="register") == []


async def test_records_are_found_by_their_time(store: Store) -> None:
    view = SqlAuditView(store.database, pseudonym_key=store.keys.pseudonyms)
    assert await view.find(AuditQuery(10, since=NOW)) == []
    for minutes in range(5):
        at = NOW + timedelta(minutes=minutes)
        await store.audit.append(event("authenticate", "alice", at=at))

    async def found(since: int | None, until: int | None) -> list[int]:
        times = [None if one is None else NOW + timedelta(minutes=one) for one in (since, until)]
        return [record.sequence for record in await view.find(AuditQuery(10, since=times[0], until=times[1]))]

    assert await found(None, None) == [5, 4, 3, 2, 1]
    assert await found(1, 3) == [3, 2]
    assert await found(4, None) == [5]
    assert await found(5, None) == []
    assert await found(None, 0) == []


EACH = 25


NAMES = ("one", "two", "three")


def wait_for_all(started: Path, name: str) -> None:
    """So that none is done before the last has begun."""
    (started / name).touch()
    deadline = time.monotonic() + 60
    while len(list(started.iterdir())) < len(NAMES):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def keep_appending(url: str, key: str, started: Path, name: str) -> int:
    async def appending() -> int:
        store = await open_store(url, EncryptionKey.parse(key))
        try:
            wait_for_all(started, name)
            for _ in range(EACH):
                await store.audit.append(event("authenticate", name))
                await checkpoints(store).write(CheckpointPolicy(records=20), at=NOW)
        finally:
            await store.database.close()
        return os.getpid()

    return asyncio.run(appending())


async def test_several_processes_write_one_chain(
    store: Store, url: str, key: EncryptionKey, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    started.mkdir()
    work = partial(keep_appending, url, key.written(), started)

    def all_of_them() -> set[int]:
        with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
            return set(pool.map(work, NAMES))

    pids = await asyncio.to_thread(all_of_them)
    assert len(pids) == 3, "processes of their own"
    checked = await verifying(store)()
    assert checked.head.sequence == 3 * EACH
    assert checked.sealed
    assert 3 <= checked.checkpoints <= 4, "one after each twenty, none twice"
    bodies = [record.body async for record in store.audit.records()]
    switches = sum(before[-40:] != after[-40:] for before, after in pairwise(bodies))
    assert switches > 2, "they took turns"
