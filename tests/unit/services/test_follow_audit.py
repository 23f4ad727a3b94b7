import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from facekey.core.audit import ChainedRecord
from facekey.core.ports.alerts import Tail
from facekey.services.follow_audit import KEPT, FollowAudit
from facekey.store.sql.audit_tail import SqlAuditTail
from tests.contract.store.opened import Store, event
from tests.unit.core.made import CALLER
from tests.unit.services.deployed import FixedClock, recorded

Followed = AsyncGenerator[Sequence[ChainedRecord], None]


class Counted:
    """Implements `core.ports.alerts.AuditTail` and counts the looks."""

    def __init__(self, store: Store) -> None:
        self._tail = SqlAuditTail(store.database)
        self.looks = 0

    async def newest(self, count: int) -> Tail:
        return await self._tail.newest(count)

    async def since(self, sequence: int, *, most: int) -> Tail:
        self.looks += 1
        return await self._tail.since(sequence, most=most)


@pytest.fixture
def tail(store: Store) -> Counted:
    return Counted(store)


@pytest.fixture
def follow(store: Store, tail: Counted) -> FollowAudit:
    return FollowAudit(tail=tail, audit=store.audit, clock=FixedClock(), wake_s=0.01)


def numbers(records: Sequence[ChainedRecord]) -> list[int]:
    return [record.sequence for record in records]


async def append(store: Store, count: int) -> None:
    for number in range(count):
        await store.audit.append(event("authenticate", f"user{number}"))


async def something(followed: Followed) -> list[int]:
    """The next turn that has records."""
    async with asyncio.timeout(10):
        while not (records := await anext(followed)):
            pass
    return numbers(records)


async def news(followed: Followed, follow: FollowAudit) -> list[int]:
    """What a follower gets next, with the log looked at while it waits."""
    waiting = asyncio.ensure_future(something(followed))
    await asyncio.sleep(0)
    await follow.look()
    return await waiting


async def test_all_who_follow_are_given_what_one_look_found(
    store: Store, follow: FollowAudit, tail: Counted
) -> None:
    await append(store, 2)
    one = await follow.open(None, caller=CALLER)
    other = await follow.open(None, caller=CALLER)
    last = (await recorded(store))[-1]
    assert (last["action"], last["outcome"], last["details"]) == ("read_audit", "followed", {"after": None})
    async with aclosing(one), aclosing(other):
        assert numbers(await anext(one)) == [], "a turn without news"
        assert numbers(await anext(other)) == []
        await append(store, 3)
        waiting = asyncio.ensure_future(something(other))
        assert await news(one, follow) == [4, 5, 6, 7], "from its own opening on"
        assert await waiting == [5, 6, 7]
        assert tail.looks == 1
        await append(store, 1)
        assert await news(one, follow) == [8]
        assert tail.looks == 2


async def test_who_comes_back_misses_nothing(store: Store, follow: FollowAudit, tail: Counted) -> None:
    await append(store, 5)
    async with aclosing(await follow.open(2, caller=CALLER)) as followed:
        assert numbers(await anext(followed)) == [3, 4, 5, 6]
        await append(store, 1)
        assert await news(followed, follow) == [7]
        async with aclosing(await follow.open(1, caller=CALLER)) as behind:
            assert numbers(await anext(behind)) == [2, 3, 4, 5, 6, 7, 8], "older than what is kept"
        async with aclosing(await follow.open(6, caller=CALLER)) as near:
            looks = tail.looks
            assert numbers(await anext(near)) == [7]
            assert tail.looks == looks, "out of what is kept"
        async with aclosing(await follow.open(10**9, caller=CALLER)) as early:
            assert numbers(await anext(early)) == []


async def test_nobody_follows_and_nothing_is_read(store: Store, follow: FollowAudit, tail: Counted) -> None:
    await follow.look()
    async with aclosing(await follow.open(None, caller=CALLER)) as followed:
        await anext(followed)
        await follow.look()
        assert tail.looks == 1
    await append(store, 3)
    await follow.look()
    assert tail.looks == 1
    async with aclosing(await follow.open(None, caller=CALLER)) as again:
        assert numbers(await anext(again)) == []
        await append(store, 1)
        assert await news(again, follow) == [6], "and nothing from before it was opened"


def test_what_is_kept_holds_more_than_one_look() -> None:
    assert KEPT >= 2 * 500


async def test_the_records_are_those_of_the_log(store: Store, follow: FollowAudit) -> None:
    async with aclosing(await follow.open(0, caller=CALLER)) as followed:
        (record,) = await anext(followed)
        assert json.loads(record.body)["action"] == "read_audit"
