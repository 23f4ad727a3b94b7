"""A gallery on disk: read at the next start, refused when anything is odd, worthless after an erasure."""

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from facekey.core.matching import Matcher
from facekey.core.types import ModelId, SubjectId
from facekey.store.gallery import MemoryGallery
from facekey.store.index.faces import SearchPlan
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing
from facekey.store.snapshots import FILE, Snapshots
from facekey.store.sql.migrate import migrate
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.store.sql.snapshot_key import snapshot_key, some_snapshot_key
from tests.contract.store.opened import Store, event, on_sqlite, open_store, template
from tests.contract.store.test_gallery import probe
from tests.unit.core.made import CALIBRATION, MODEL

PEOPLE = 12


def gallery_of(store: Store, *, model: ModelId = MODEL, plan: SearchPlan | None = None) -> MemoryGallery:
    return MemoryGallery(store.database, store.ring, Matcher({model: CALIBRATION}), plan or SearchPlan())


def keeper(store: Store, folder: Path, gallery: MemoryGallery | None = None) -> Snapshots:
    return Snapshots(store.database, store.ring, folder, gallery or gallery_of(store))


async def enrol(store: Store) -> None:
    for number in range(PEOPLE):
        await store.enrol(template(f"user{number}", number), event("register", f"user{number}"))


async def found(gallery: MemoryGallery, seed: int) -> str:
    return (await gallery.search(probe(seed), top_k=1)).candidates[0].subject_id


async def saved(store: Store, folder: Path) -> Path:
    await enrol(store)
    assert await keeper(store, folder).save()
    return folder / FILE


@pytest.mark.parametrize("kind", ["exact", "graph"])
async def test_a_start_takes_the_snapshot_and_what_came_since(
    store: Store, tmp_path: Path, kind: str
) -> None:
    plan = SearchPlan(kind="exact" if kind == "exact" else "graph")
    folder, before = tmp_path / "index", gallery_of(store, plan=plan)
    await enrol(store)
    await before.refresh()
    await before.close()
    assert await keeper(store, folder, before).save()
    file = folder / FILE
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    await store.enrol(template("late", 90), event("register", "late"))

    after = gallery_of(store, plan=plan)
    snapshots = keeper(store, folder, after)
    assert await snapshots.restore()
    assert (after.size, after.kind) == (PEOPLE, kind)
    assert await after.refresh() == PEOPLE + 1
    assert [await found(after, 5), await found(after, 90)] == ["user5", "late"]
    assert await snapshots.save()
    assert not await snapshots.save(), "nothing has changed since"
    await after.close()


async def test_nothing_is_read_where_nothing_was_written(store: Store, tmp_path: Path) -> None:
    assert not await keeper(store, tmp_path / "index").restore()


async def test_an_erasure_makes_every_snapshot_worthless(store: Store, tmp_path: Path) -> None:
    file = await saved(store, tmp_path / "index")
    copy = file.read_bytes()
    key = await store.database.read(snapshot_key)
    assert key is not None
    await store.templates.erase(SubjectId("user3"), event("erase", "user3"))
    assert await store.database.read(snapshot_key) is None
    gallery = gallery_of(store)
    with capture_logs() as logs:
        assert not await keeper(store, file.parent, gallery).restore()
    assert [entry["event"] for entry in logs] == ["gallery_snapshot_refused"]
    assert await gallery.refresh() == PEOPLE - 1

    # The next one has another key, so the old file stays closed.
    assert await keeper(store, file.parent, gallery).save()
    assert await keeper(store, file.parent).restore()
    file.write_bytes(copy)
    assert not await keeper(store, file.parent).restore()


async def test_an_erasure_that_was_not_taken_in_yet_is_in_no_snapshot(store: Store, tmp_path: Path) -> None:
    await enrol(store)
    gallery = gallery_of(store)
    await gallery.refresh()
    await store.templates.erase(SubjectId("user3"), event("erase", "user3"))
    assert await keeper(store, tmp_path / "index", gallery).save()
    after = gallery_of(store)
    assert await keeper(store, tmp_path / "index", after).restore()
    assert after.size == PEOPLE - 1


def cut(data: bytes) -> bytes:
    return data[:-30]


def end_cut(data: bytes) -> bytes:
    """Without the record that says that there is no more: a header, one record, and the next."""
    ends = [25]
    while ends[-1] < len(data):
        ends.append(ends[-1] + 4 + int.from_bytes(data[ends[-1] : ends[-1] + 4], "big"))
    return data[: ends[-2]]


def swapped(data: bytes) -> bytes:
    """Its first two records change places."""
    first = 25 + 4 + int.from_bytes(data[25:29], "big")
    second = first + 4 + int.from_bytes(data[first : first + 4], "big")
    return data[:25] + data[first:second] + data[25:first] + data[second:]


@on_sqlite
@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: b"something else, and long enough to be a file" + data,
        lambda data: data[:8] + bytes([data[8] + 1]) + data[9:],
        lambda data: data[:9] + bytes(16) + data[25:],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: data + data[25:],
        lambda data: data[:27],
        lambda data: data[:25] + b"\xff\xff\xff\xff" + data[29:],
        cut,
        end_cut,
        swapped,
    ],
    ids=[
        *("empty", "header cut", "another file", "newer format", "another name", "a bit", "longer"),
        *("length cut", "huge length", "cut", "end cut", "swapped"),
    ],
)
async def test_a_file_that_was_changed_is_refused_and_replaced(
    store: Store, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    file = await saved(store, tmp_path / "index")
    file.write_bytes(change(file.read_bytes()))
    gallery = gallery_of(store)
    snapshots = keeper(store, file.parent, gallery)
    with capture_logs() as logs:
        assert not await snapshots.restore()
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert gallery.size == 0
    assert await gallery.refresh() == PEOPLE
    assert await snapshots.save()
    assert await keeper(store, file.parent).restore()


async def test_a_snapshot_of_other_networks_is_refused(store: Store, tmp_path: Path) -> None:
    file = await saved(store, tmp_path / "index")
    other = gallery_of(store, model=ModelId("other:1"))
    assert not await keeper(store, file.parent, other).restore()


async def test_a_snapshot_of_another_database_is_refused(
    store: Store, tmp_path: Path, key: EncryptionKey
) -> None:
    file = await saved(store, tmp_path / "index")
    migrate(f"sqlite:///{tmp_path}/other.db")
    other = await open_store(f"sqlite:///{tmp_path}/other.db", key)
    try:
        assert not await keeper(other, file.parent).restore(), "without a key of snapshots"
        await other.database.write(lambda connection: some_snapshot_key(connection, other.ring))
        assert not await keeper(other, file.parent).restore(), "with its own"
    finally:
        await other.database.close()


@on_sqlite
async def test_a_snapshot_from_before_the_database_was_put_back_is_refused(
    store: Store, tmp_path: Path
) -> None:
    await enrol(store)
    live, backup = (sqlite3.connect(tmp_path / name) for name in ("store.db", "backup.db"))
    await store.database.write(lambda connection: some_snapshot_key(connection, store.ring))
    live.backup(backup)
    await store.enrol(template("bob", 50), event("register", "bob"))
    assert await keeper(store, tmp_path / "index").save()
    backup.backup(live)
    for connection in (live, backup):
        connection.close()
    gallery = gallery_of(store)
    assert not await keeper(store, tmp_path / "index", gallery).restore(), "the log is shorter"
    await store.enrol(template("carol", 51), event("register", "carol"))
    assert not await keeper(store, tmp_path / "index", gallery).restore(), "carol is where bob was"
    assert (gallery.size, gallery.seen) == (0, 0)


async def test_rotation_of_the_root_key_keeps_the_snapshot(
    store: Store, tmp_path: Path, key: EncryptionKey
) -> None:
    file = await saved(store, tmp_path / "index")
    newer = EncryptionKey.generate(2)
    ring = KeyRing(EnvironmentKeys(newer, [key]))
    async for _ in SqlWrappedKeys(store.database, ring).rewrap():
        pass
    rotated = await open_store(store.url, newer)
    try:
        assert await keeper(rotated, file.parent).restore()
        assert not await keeper(store, file.parent).restore(), "without the new key it stays closed"
    finally:
        await rotated.database.close()


async def test_a_disk_that_can_not_be_written_is_told_and_survived(store: Store, tmp_path: Path) -> None:
    await enrol(store)
    (tmp_path / "index").write_text("a file where the folder should be")
    with capture_logs() as logs:
        assert not await keeper(store, tmp_path / "index").save()
    assert [entry["event"] for entry in logs] == ["gallery_snapshot_not_written"]


async def test_of_several_processes_one_writes(store: Store, neighbour: Store, tmp_path: Path) -> None:
    file = await saved(store, tmp_path / "index")
    written = file.stat().st_mtime_ns
    await keeper(neighbour, file.parent).save_for_all()
    assert file.stat().st_mtime_ns == written
    file.unlink()
    await keeper(neighbour, file.parent).save_for_all()
    assert file.is_file()
