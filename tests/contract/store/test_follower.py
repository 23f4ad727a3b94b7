"""Copies that are kept current without anybody asking."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from facekey.core.errors import StoreUnavailable, SubjectUnknown
from facekey.core.ports.shared import Change
from facekey.core.types import SubjectId
from facekey.store.announced import AnnouncedTemplates
from facekey.store.follower import following
from facekey.store.memory import MemoryChanges
from tests.contract.store.opened import EVERYTHING, Store, event, template

FOREVER_S = 1000.0


@dataclass
class Copy:
    """Counts how often it was refreshed, and fails when told to."""

    fault: Exception | None = None
    refreshed: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def refresh(self) -> None:
        self.refreshed += 1
        self.news.set()
        if self.fault is not None:
            raise self.fault

    async def next(self, say: Callable[[], None] = lambda: None) -> None:
        self.news.clear()
        say()
        await asyncio.wait_for(self.news.wait(), 5.0)


async def test_a_message_refreshes_at_once() -> None:
    changes, copy = MemoryChanges(), Copy()
    async with following(copy.refresh, changes.listen(), every_s=FOREVER_S):
        for _ in range(3):
            await copy.next(lambda: changes.announce(Change.GALLERY))
    assert copy.refreshed == 3


async def test_other_messages_are_not_for_it() -> None:
    changes, copy = MemoryChanges(), Copy()
    async with following(copy.refresh, changes.listen(), every_s=FOREVER_S):
        changes.announce(Change.SETTINGS)
        for _ in range(5):
            await asyncio.sleep(0)
        assert copy.refreshed == 0
        await copy.next(lambda: changes.announce(Change.GALLERY))
    assert copy.refreshed == 1


async def test_without_any_message_it_goes_on() -> None:
    copy = Copy()
    async with following(copy.refresh, MemoryChanges().listen(), every_s=0.001):
        await copy.next()
        await copy.next()


@pytest.mark.parametrize(
    ("fault", "said"), [(StoreUnavailable("away"), "copy_not_current"), (RuntimeError("defect"), "defect")]
)
async def test_an_outage_is_told_once_and_survived(fault: Exception, said: str) -> None:
    copy = Copy(fault)
    with capture_logs() as logs:
        async with following(copy.refresh, MemoryChanges().listen(), every_s=0.001):
            await copy.next()
            await copy.next()
            await copy.next()
            copy.fault = None
            await copy.next()
            await copy.next()
    assert [line["event"] for line in logs] == [said, "copy_current_again"]


async def test_it_ends_with_the_service() -> None:
    copy = Copy()
    async with following(copy.refresh, MemoryChanges().listen(), every_s=0.001):
        await copy.next()
    before = copy.refreshed
    await asyncio.sleep(0.02)
    assert copy.refreshed == before


async def test_a_person_leaves_every_memory_without_a_search(store: Store, neighbour: Store) -> None:
    changes = MemoryChanges()
    templates = AnnouncedTemplates(store.templates, changes)
    people: asyncio.Queue[int] = asyncio.Queue()

    async def refresh() -> None:
        people.put_nowait(await neighbour.gallery.refresh())

    async with following(refresh, changes.listen(), every_s=FOREVER_S):
        await templates.add(template("alice", 1), event("register", "alice"), searched=EVERYTHING)
        assert await asyncio.wait_for(people.get(), 5.0) == 1
        assert await templates.get(SubjectId("alice")) is not None
        await templates.erase(SubjectId("alice"), event("erase", "alice"))
        assert await asyncio.wait_for(people.get(), 5.0) == 0


async def test_what_was_not_committed_is_not_announced(store: Store) -> None:
    changes = MemoryChanges()
    listener = changes.listen()
    with pytest.raises(SubjectUnknown):
        await AnnouncedTemplates(store.templates, changes).erase(SubjectId("bob"), event("erase", "bob"))
    assert await listener.wait(within_s=0.001) == frozenset()
