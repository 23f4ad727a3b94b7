"""Rotation of root keys on a real database, while others use it."""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import LargeBinary, insert, select, update

from facekey.core.errors import KeyUnavailable
from facekey.core.root_keys import KeyUse, Rewrapped
from facekey.core.types import SubjectId
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing, sealed_by
from facekey.store.sql.connection import Connection
from facekey.store.sql.deployment_keys import NAMES
from facekey.store.sql.rotation import BATCH, SqlWrappedKeys
from facekey.store.sql.tables import deployment, signing_keys, subjects
from tests.contract.store.opened import Store, event, open_store, template

DEPLOYMENT_KEYS = len(NAMES)
NEW = EncryptionKey.generate(2)


@pytest.fixture
def ring(key: EncryptionKey) -> KeyRing:
    """Both keys at hand, the new one seals."""
    return KeyRing(EnvironmentKeys(NEW, [key]))


@pytest.fixture
def keys(store: Store, ring: KeyRing) -> SqlWrappedKeys:
    return SqlWrappedKeys(store.database, ring)


async def once_over(keys: SqlWrappedKeys) -> Rewrapped:
    batches = [batch async for batch in keys.rewrap()]
    return Rewrapped(
        *(
            sum(getattr(batch, name) for batch in batches)
            for name in ("done", "gone", "without_key", "broken")
        )
    )


async def wrapped_keys(store: Store) -> dict[str, bytes]:
    async def work(connection: Connection) -> dict[str, bytes]:
        rows = await connection.execute(select(subjects.c.lookup, subjects.c.wrapped_key))
        return {row.lookup: bytes(row.wrapped_key) for row in rows}

    return await store.database.read(work)


def of(store: Store, name: str) -> str:
    return store.audit.names.lookup(SubjectId(name))


async def change(store: Store, user_id: str, wrapped: bytes) -> None:
    await store.database.write(
        lambda connection: connection.execute(
            update(subjects).where(store.whose(user_id)).values(wrapped_key=wrapped)
        )
    )


async def test_everything_comes_under_the_new_key(
    store: Store, keys: SqlWrappedKeys, ring: KeyRing, url: str
) -> None:
    added = [template(f"user{number}", number) for number in range(5)]
    for one in added:
        await store.enrol(one, event("register", one.subject_id))
    secret = secrets.token_bytes(32)
    row = insert(signing_keys).values(
        kid="kid", purpose="test", wrapped_key=store.ring.wrap(secret, "kid"), created_at="then"
    )
    await store.database.write(lambda connection: connection.execute(row))
    assert [use.current for use in await keys.uses()] == [False]

    assert await once_over(keys) == Rewrapped(done=5 + 1 + DEPLOYMENT_KEYS)
    await keys.forget_old_forms()

    assert await keys.uses() == (
        KeyUse(NEW.key_id.hex(), 2, 5 + 1 + DEPLOYMENT_KEYS, at_hand=True, current=True),
    )
    assert await once_over(keys) == Rewrapped()
    alone = await open_store(url, NEW)
    try:
        for one in added:
            found = await alone.templates.get(one.subject_id)
            assert found is not None
            np.testing.assert_array_equal(found.references[0].vectors, one.references[0].vectors)
    finally:
        await alone.database.close()


async def test_a_key_wrapped_in_the_first_format_is_written_anew(
    store: Store, ring: KeyRing, key: EncryptionKey
) -> None:
    name, kept = (
        "first",
        bytes.fromhex(
            "011b13065c560b58c537d15a077b7820727f827f2ed20176ab7aafc908ad68b2b930f7e7a79bfceffb11d67b5a"
            "074d8ad567be7d0dc68ea17946f230c6d762d50fe5ea9fb7"
        ),
    )  # of `owner`, under the key of bytes 0 to 31
    row = insert(deployment).values(name="owner", wrapped_key=kept)
    await store.database.write(lambda connection: connection.execute(row))
    first = EncryptionKey(bytes(range(32)))
    keys = SqlWrappedKeys(store.database, KeyRing(EnvironmentKeys(first, [key])))
    uses = {use.key_id: use for use in await keys.uses()}
    assert uses[first.key_id.hex()] == KeyUse(first.key_id.hex(), 1, 1, at_hand=True, current=False), name
    assert (await once_over(keys)).done == 1 + DEPLOYMENT_KEYS
    assert all(use.current for use in await keys.uses())


async def test_it_goes_on_where_it_was_stopped(store: Store, keys: SqlWrappedKeys) -> None:
    people = BATCH + 20
    wrapped = [
        {
            "uid": f"{number:032x}",
            "lookup": f"user{number}",
            "sealed_id": b"sealed",
            "enrolled_at": "then",
            "samples": 1,
            "wrapped_key": store.ring.new_data_key(f"{number:032x}")[1],
        }
        for number in range(people)
    ]
    await store.database.write(lambda connection: connection.execute(insert(subjects), wrapped))
    done = 0
    async for batch in keys.rewrap():
        done += batch.done
        if done > DEPLOYMENT_KEYS:
            break
    assert done == DEPLOYMENT_KEYS + BATCH
    assert (await once_over(keys)).done == people - BATCH
    assert [use.records for use in await keys.uses()] == [people + DEPLOYMENT_KEYS]


async def test_who_is_erased_or_wrapped_meanwhile_is_left_alone(
    store: Store, neighbour: Store, keys: SqlWrappedKeys, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("alice", "bob", "carol")):
        await store.enrol(template(name, number), event("register", name))
    before = await wrapped_keys(store)
    read = asyncio.Event()
    go_on = asyncio.Event()
    rewrap_some = keys._rewrap_some  # what was read is about to be replaced

    async def held(*arguments: object) -> Rewrapped:
        read.set()
        await go_on.wait()
        return await rewrap_some(*arguments)  # type: ignore[arg-type]

    await once_over_deployment(keys)
    monkeypatch.setattr(keys, "_rewrap_some", held)
    rotating = asyncio.create_task(once_over(keys))
    await read.wait()
    await neighbour.templates.erase(SubjectId("alice"), event("erase", "alice"))
    await change(neighbour, "bob", b"\x02 wrapped by somebody else")
    go_on.set()
    assert await rotating == Rewrapped(done=1, gone=2)
    after = await wrapped_keys(store)
    assert after[of(store, "bob")] == b"\x02 wrapped by somebody else"
    assert after[of(store, "carol")] != before[of(store, "carol")]
    assert set(after) == {of(store, name) for name in ("bob", "carol")}


async def once_over_deployment(keys: SqlWrappedKeys) -> None:
    async for _ in keys.rewrap():
        break


async def test_registrations_and_erasures_go_on(store: Store, neighbour: Store, keys: SqlWrappedKeys) -> None:
    """A service that still seals with the old key is met by another pass."""
    for number in range(20):
        await store.enrol(template(f"user{number}", number), event("register", f"user{number}"))

    async def others() -> None:
        for number in range(20):
            await neighbour.templates.erase(SubjectId(f"user{number}"), event("erase", "x"))
            await neighbour.enrol(template(f"new{number}", number), event("register", "x"))

    async def rotate() -> None:
        while not busy.done() or not all(use.current for use in await keys.uses()):
            await once_over(keys)

    busy = asyncio.create_task(others())
    await asyncio.gather(busy, rotate())
    assert {use.key_id: use.records for use in await keys.uses()} == {NEW.key_id.hex(): 20 + DEPLOYMENT_KEYS}
    both = SqlWrappedKeys(store.database, keys._ring)
    assert await once_over(both) == Rewrapped()
    assert len(await wrapped_keys(store)) == 20


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (lambda ring, uid: KeyRing(EnvironmentKeys(EncryptionKey.generate())).wrap(b"x", uid), (1, 0)),
        (lambda ring, uid: ring.wrap(b"x", "somebody else"), (0, 1)),
        (lambda ring, uid: b"", (0, 1)),
        (lambda ring, uid: b"\x07 not a blob", (0, 1)),
    ],
    ids=["lost key", "another's", "empty", "no blob"],
)
async def test_what_does_not_open_is_counted_and_left(
    store: Store,
    keys: SqlWrappedKeys,
    spoil: Callable[[KeyRing, str], bytes],
    outcome: tuple[int, int],
) -> None:
    for number, name in enumerate(("alice", "bob")):
        await store.enrol(template(name, number), event("register", name))
    spoiled = spoil(store.ring, "uid")
    await change(store, "alice", spoiled)
    assert await once_over(keys) == Rewrapped(1 + DEPLOYMENT_KEYS, 0, *outcome)
    assert (await wrapped_keys(store))[of(store, "alice")] == spoiled
    left = [use for use in await keys.uses() if not use.current]
    assert [(use.records, use.at_hand) for use in left] in ([(1, False)], [(1, True)])


async def test_a_lost_key_is_told_when_a_template_is_wanted(store: Store, url: str) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    lost = EncryptionKey.generate()
    uid_key = KeyRing(EnvironmentKeys(lost)).wrap(secrets.token_bytes(32), "whoever")
    await change(store, "alice", uid_key)
    for ask in (store.templates.get(SubjectId("alice")), store.gallery.refresh()):
        with pytest.raises(KeyUnavailable, match=lost.key_id.hex()):
            await ask


async def test_an_unknown_id_answers_like_a_known_one_after_its_key_was_retired(
    store: Store, key: EncryptionKey, url: str, tmp_path: Path
) -> None:
    """What stands in for unknown ids was sealed at start, under a key that is gone since."""
    opened = await open_store(url, key)
    try:
        retired = KeyRing(EnvironmentKeys(NEW))
        opened.templates._ring = retired
        assert await opened.templates.get(SubjectId("nobody")) is None
        assert sealed_by(opened.templates._decoy.wrapped_key).key_id == NEW.key_id
    finally:
        await opened.database.close()


def test_wrapped_keys_fit_every_table() -> None:
    for table in (deployment, signing_keys, subjects):
        assert isinstance(table.c.wrapped_key.type, LargeBinary)
