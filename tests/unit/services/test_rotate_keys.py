"""What a rotation records and says, on a real store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from facekey.core.caller import COMMAND_LINE
from facekey.core.errors import KeyUnavailable, SealBroken
from facekey.core.root_keys import KeyUse, Rewrapped
from facekey.services.rotate_keys import MOST_PASSES, RotateKeys
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import KeyRing
from facekey.store.sql.deployment_keys import NAMES
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.store.sql.tables import subjects
from tests.contract.store.opened import Store, event, template
from tests.unit.services.deployed import FixedClock, recorded

NEW = EncryptionKey.generate(2)
EVERYTHING = len(NAMES) + 2


class Steps:
    """Keeps what was reported."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.seen.append((done, total))


@pytest.fixture
async def people(store: Store) -> Store:
    for number, name in enumerate(("alice", "bob")):
        await store.enrol(template(name, number), event("register", name))
    return store


def rotation(store: Store, *also: EncryptionKey) -> RotateKeys:
    ring = KeyRing(EnvironmentKeys(NEW, also))
    return RotateKeys(keys=SqlWrappedKeys(store.database, ring), audit=store.audit, clock=FixedClock())


def old_key(store: Store) -> EncryptionKey:
    return store.ring.keys.current()


async def told(store: Store) -> list[tuple[object, object]]:
    return [
        (record["outcome"], record["details"])
        for record in await recorded(store)
        if record["action"] == "keys_rotate"
    ]


async def spoil(store: Store, wrapped: bytes) -> None:
    row = update(subjects).where(store.whose("alice")).values(wrapped_key=wrapped)
    await store.database.write(lambda connection: connection.execute(row))


async def test_a_rotation_is_recorded_and_reported(people: Store) -> None:
    steps = Steps()
    done = await rotation(people, old_key(people))(caller=COMMAND_LINE, report=steps)
    assert done.rewrapped == EVERYTHING
    assert [(use.version, use.records) for use in done.uses] == [(2, EVERYTHING)]
    assert steps.seen[-1] == (EVERYTHING, EVERYTHING)
    assert await told(people) == [
        ("begun", {"stale": EVERYTHING}),
        ("rotated", {"rewrapped": EVERYTHING, "left": 0, "broken": 0}),
    ]


async def test_a_second_rotation_finds_nothing(people: Store) -> None:
    rotate = rotation(people, old_key(people))
    await rotate(caller=COMMAND_LINE, report=Steps())
    steps = Steps()
    assert (await rotate(caller=COMMAND_LINE, report=steps)).rewrapped == 0
    assert steps.seen == []


async def test_a_lost_key_is_named_and_no_success_claimed(people: Store) -> None:
    lost = EncryptionKey.generate(7)
    await spoil(people, KeyRing(EnvironmentKeys(lost)).wrap(b"x", "alice"))
    with pytest.raises(KeyUnavailable, match=f"1 under key {lost.key_id.hex()} \\(version 7\\)"):
        await rotation(people, old_key(people))(caller=COMMAND_LINE, report=Steps())
    assert (await told(people))[-1] == ("incomplete", {"rewrapped": EVERYTHING - 1, "left": 1, "broken": 0})


async def test_a_changed_record_is_told_as_such(people: Store) -> None:
    await spoil(people, people.ring.wrap(b"x", "somebody else"))
    with pytest.raises(SealBroken, match="1 were changed"):
        await rotation(people, old_key(people))(caller=COMMAND_LINE, report=Steps())
    assert (await told(people))[-1] == ("incomplete", {"rewrapped": EVERYTHING - 1, "left": 1, "broken": 1})


@dataclass
class Restless:
    """Implements `core.ports.keys.WrappedKeys`; after every pass a service writes under the old key again."""

    keys: SqlWrappedKeys
    store: Store
    old_form: bytes
    passes: int = 0

    async def uses(self) -> tuple[KeyUse, ...]:
        return await self.keys.uses()

    async def rewrap(self) -> AsyncIterator[Rewrapped]:
        self.passes += 1
        async for some in self.keys.rewrap():
            yield some
        await spoil(self.store, self.old_form)

    async def forget_old_forms(self) -> None:
        await self.keys.forget_old_forms()


async def test_a_service_that_keeps_the_old_key_is_found_out(people: Store) -> None:
    stored = select(subjects.c.wrapped_key).where(people.whose("alice"))
    found = await people.database.read(lambda connection: connection.execute(stored))
    old_form = found.scalar_one()
    both = KeyRing(EnvironmentKeys(NEW, [old_key(people)]))
    keys = Restless(SqlWrappedKeys(people.database, both), people, old_form)
    rotate = RotateKeys(keys=keys, audit=people.audit, clock=FixedClock())
    with pytest.raises(KeyUnavailable, match="1 were written under an older key meanwhile"):
        await rotate(caller=COMMAND_LINE, report=Steps())
    assert keys.passes == MOST_PASSES
