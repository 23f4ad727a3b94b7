"""The contract of what requests and replicas share, in process and in a real Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from facekey.core.errors import RateLimited, StoreUnavailable
from facekey.core.ports.shared import Change, Rate
from facekey.core.recurrence import FACE_BITS, WHOLE_BITS
from facekey.core.types import FrameHash
from facekey.store.memory import (
    MemoryRateLimiter,
    MemoryRevocations,
    MemorySeenFrames,
    MemorySingleUse,
)
from facekey.store.redis.shared import in_redis
from facekey.store.shared import SeenFramesLimits, Shared, in_process
from tests.servers import RedisServer
from tests.unit.core.glimpsed import frame_hash
from tests.unit.services.staged import HandTicker

MOST, LONG_S = 4, 100.0
HOSTILE = ["", "a" * 100_000, "a\r\nFLUSHALL\r\n", "\x00", "*", "ü€", "\ud800", "{a}:b c"]


@dataclass
class Stand:
    """One kind of store, and its time."""

    server: RedisServer | None = None
    ticker: HandTicker = field(default_factory=HandTicker)
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def soon_s(self) -> float:
        """A time that `pass_soon` lets go by."""
        return LONG_S if self.server is None else 0.05

    async def pass_soon(self) -> None:
        self.ticker.now_s += LONG_S
        if self.server is not None:  # Redis has a clock of its own
            await asyncio.sleep(2 * self.soon_s)

    async def open(self, ttl_s: float = LONG_S) -> Shared:
        """What a process has; on Redis another one each time."""
        limits = SeenFramesLimits(most=MOST, ttl_s=ttl_s)
        if self.server is None:
            return in_process(self.ticker, limits)
        redis = in_redis(self.server.url, secret=self.secret, ticker=self.ticker, frames=limits)
        return await self.opened.enter_async_context(redis)


@pytest.fixture(params=["memory", "redis"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    made = Stand(request.getfixturevalue("redis_server") if request.param == "redis" else None)
    async with made.opened:
        yield made


@pytest.fixture
async def shared(stand: Stand) -> Shared:
    return await stand.open()


class TestSingleUse:
    async def test_a_value_is_given_once(self, shared: Shared) -> None:
        assert await shared.single_use.put("a", "x", ttl_s=LONG_S)
        assert await shared.single_use.take("a") == "x"
        assert await shared.single_use.take("a") is None

    async def test_a_key_is_taken_once_even_after_its_value_was_given(self, shared: Shared) -> None:
        assert await shared.single_use.put("a", "x", ttl_s=LONG_S)
        assert not await shared.single_use.put("a", "y", ttl_s=LONG_S)
        assert await shared.single_use.take("a") == "x"
        assert not await shared.single_use.put("a", "z", ttl_s=LONG_S)

    async def test_what_was_never_there_is_not_given(self, shared: Shared) -> None:
        assert await shared.single_use.take("a") is None

    async def test_time_ends_it(self, stand: Stand, shared: Shared) -> None:
        await shared.single_use.put("a", "x", ttl_s=stand.soon_s)
        await stand.pass_soon()
        assert await shared.single_use.take("a") is None
        assert await shared.single_use.put("a", "y", ttl_s=LONG_S)
        assert await shared.single_use.take("a") == "y"

    async def test_a_clock_that_goes_back_frees_nothing(self, stand: Stand, shared: Shared) -> None:
        await shared.single_use.put("a", "x", ttl_s=LONG_S)
        stand.ticker.now_s -= 10 * LONG_S
        assert not await shared.single_use.put("a", "y", ttl_s=LONG_S)

    async def test_of_many_at_once_one_gets_it(self, shared: Shared) -> None:
        put = await asyncio.gather(*(shared.single_use.put("a", str(n), ttl_s=LONG_S) for n in range(20)))
        assert sum(put) == 1
        taken = await asyncio.gather(*(shared.single_use.take("a") for _ in range(20)))
        assert sorted(one for one in taken if one is not None) == [str(put.index(True))]

    async def test_any_text_is_a_key_and_a_value(self, shared: Shared) -> None:
        for text in HOSTILE:
            assert await shared.single_use.put(text, text, ttl_s=LONG_S)
        for text in HOSTILE:
            assert await shared.single_use.take(text) == text


class TestSeenFrames:
    async def test_another_session_is_told(self, shared: Shared) -> None:
        seen = shared.seen_frames
        await seen.remember(frame_hash(1), session_id="first")
        assert await seen.seen(frame_hash(1), session_id="second")
        assert await seen.seen(frame_hash(1, flipped=WHOLE_BITS), session_id="second")
        assert not await seen.seen(frame_hash(1, flipped=FACE_BITS + 1), session_id="second")
        assert not await seen.seen(frame_hash(2), session_id="second")

    async def test_a_session_may_look_like_itself(self, shared: Shared) -> None:
        await shared.seen_frames.remember(frame_hash(1), session_id="first")
        assert not await shared.seen_frames.seen(frame_hash(1), session_id="first")

    async def test_time_ends_it(self, stand: Stand) -> None:
        seen = (await stand.open(ttl_s=stand.soon_s)).seen_frames
        await seen.remember(frame_hash(1), session_id="first")
        await stand.pass_soon()
        assert not await seen.seen(frame_hash(1), session_id="second")

    async def test_the_oldest_go_first(self, shared: Shared) -> None:
        for number in range(3 * MOST + 1):
            await shared.seen_frames.remember(frame_hash(number), session_id="first")
        numbers = range(3 * MOST + 1)
        kept = [n for n in numbers if await shared.seen_frames.seen(frame_hash(n), session_id="b")]
        assert kept == [9, 10, 11, 12]

    async def test_a_hash_of_another_length_is_none(self, shared: Shared) -> None:
        with pytest.raises(ValueError, match="128 bytes"):
            await shared.seen_frames.remember(FrameHash(b"short", b"short"), session_id="first")


class TestRateLimiter:
    async def test_a_burst_passes_then_everyone_waits(self, shared: Shared) -> None:
        rate = Rate(per_s=0.01, burst=3)
        for _ in range(3):
            await shared.rate_limiter.spend("a", rate)
        with pytest.raises(RateLimited) as refused:
            await shared.rate_limiter.spend("a", rate)
        assert 99.0 < refused.value.retry_after_s <= 100.0
        await shared.rate_limiter.spend("b", rate)

    async def test_who_waits_is_let_in(self, stand: Stand, shared: Shared) -> None:
        rate = Rate(per_s=1 / stand.soon_s, burst=1)
        await shared.rate_limiter.spend("a", rate)
        await stand.pass_soon()
        await shared.rate_limiter.spend("a", rate)

    async def test_asking_in_vain_costs_nothing(self, stand: Stand, shared: Shared) -> None:
        rate = Rate(per_s=0.01, burst=1)
        await shared.rate_limiter.spend("a", rate)
        waits = []
        for _ in range(5):
            with pytest.raises(RateLimited) as refused:
                await shared.rate_limiter.spend("a", rate)
            waits.append(refused.value.retry_after_s)
        assert max(waits) <= 100.0

    async def test_who_waited_long_by_a_lower_rate_waits_by_the_one_that_holds(self, shared: Shared) -> None:
        await shared.rate_limiter.spend("a", Rate(per_s=1e-6, burst=1))
        with pytest.raises(RateLimited) as refused:
            await shared.rate_limiter.spend("a", Rate(per_s=0.01, burst=2))
        assert refused.value.retry_after_s <= 100.0

    async def test_of_many_at_once_a_burst_passes(self, shared: Shared) -> None:
        rate = Rate(per_s=0.01, burst=7)
        spent = await asyncio.gather(
            *(shared.rate_limiter.spend("a", rate) for _ in range(20)), return_exceptions=True
        )
        assert sum(one is None for one in spent) == 7

    async def test_any_text_is_a_key(self, shared: Shared) -> None:
        for text in HOSTILE:
            await shared.rate_limiter.spend(text, Rate(per_s=0.01, burst=1))


class TestRevocations:
    async def test_what_is_revoked_stays_so(self, shared: Shared) -> None:
        await shared.revocations.revoke("a", ttl_s=LONG_S)
        assert await shared.revocations.is_revoked("a")
        assert not await shared.revocations.is_revoked("b")

    async def test_time_ends_it(self, stand: Stand, shared: Shared) -> None:
        await shared.revocations.revoke("a", ttl_s=stand.soon_s)
        await stand.pass_soon()
        assert not await shared.revocations.is_revoked("a")

    async def test_a_second_time_makes_it_no_shorter(self, stand: Stand, shared: Shared) -> None:
        await shared.revocations.revoke("a", ttl_s=10 * LONG_S)
        await shared.revocations.revoke("a", ttl_s=stand.soon_s)
        await stand.pass_soon()
        assert await shared.revocations.is_revoked("a")

    async def test_any_text_is_an_id(self, shared: Shared) -> None:
        for text in HOSTILE:
            assert not await shared.revocations.is_revoked(text)
            await shared.revocations.revoke(text, ttl_s=LONG_S)
            assert await shared.revocations.is_revoked(text)


class TestChanges:
    async def test_every_listener_is_woken(self, shared: Shared) -> None:
        listeners = [shared.changes.listen() for _ in range(3)]
        shared.changes.announce(Change.GALLERY)
        for listener in listeners:
            assert Change.GALLERY in await listener.wait(within_s=5.0)

    async def test_nothing_is_heard_when_nothing_was_said(self, shared: Shared) -> None:
        listener = shared.changes.listen()
        await listener.wait(within_s=0.3)  # Redis tells of everything once, when it is there
        assert await listener.wait(within_s=0.001) == frozenset()

    async def test_what_was_said_before_is_not_heard(self, shared: Shared) -> None:
        await shared.changes.listen().wait(within_s=0.3)
        shared.changes.announce(Change.SETTINGS)
        await shared.changes.listen().wait(within_s=0.1)
        listener = shared.changes.listen()
        shared.changes.announce(Change.GALLERY)
        assert await listener.wait(within_s=5.0) == {Change.GALLERY}


async def test_a_store_that_answers_says_so(shared: Shared) -> None:
    await shared.check()


async def test_memory_is_bounded() -> None:
    ticker = HandTicker()
    keys = MemorySingleUse(ticker, most=MOST)
    frames = MemorySeenFrames(ticker, most=MOST, ttl_s=LONG_S)
    rates = MemoryRateLimiter(ticker, most=MOST)
    for number in range(3 * MOST + 1):
        ticker.now_s += 1.0
        assert await keys.put(f"key {number}", "x", ttl_s=LONG_S)
        await frames.remember(frame_hash(number), session_id="first")
        await rates.spend(f"key {number}", Rate(per_s=1.0, burst=1))
    assert (len(keys), len(frames), len(rates)) == (MOST, MOST, MOST)
    assert await keys.take("key 0") is None
    ticker.now_s += LONG_S
    await frames.remember(frame_hash(99), session_id="first")
    assert len(frames) == 1


async def test_a_full_store_of_revocations_refuses_until_some_are_over() -> None:
    ticker = HandTicker()
    revoked = MemoryRevocations(ticker, most=2)
    await revoked.revoke("a", ttl_s=10.0)
    await revoked.revoke("b", ttl_s=20.0)
    with pytest.raises(StoreUnavailable):
        await revoked.revoke("c", ttl_s=10.0)
    await revoked.revoke("b", ttl_s=30.0)
    ticker.now_s += 10.0
    await revoked.revoke("c", ttl_s=10.0)
    assert len(revoked) == 2
    assert not await revoked.is_revoked("a")
    assert await revoked.is_revoked("b")


@pytest.mark.parametrize(
    "made",
    [
        lambda ticker: MemorySingleUse(ticker, most=0),
        lambda ticker: MemorySeenFrames(ticker, most=0, ttl_s=1.0),
        lambda ticker: MemorySeenFrames(ticker, most=1, ttl_s=0.0),
        lambda ticker: MemoryRateLimiter(ticker, most=0),
        lambda ticker: MemoryRevocations(ticker, most=0),
    ],
)
def test_a_store_of_nothing_is_refused(made: Callable[[HandTicker], object]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        made(HandTicker())


@pytest.mark.parametrize(
    ("per_s", "burst"), [(0.0, 1), (-1.0, 1), (float("nan"), 1), (float("inf"), 1), (1.0, 0)]
)
def test_a_rate_lets_something_through(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="let something through"):
        Rate(per_s, burst)
