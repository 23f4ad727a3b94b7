"""The contract of what sessions share. Another adapter joins `stores` and must pass unchanged."""

from collections.abc import Callable

import pytest

from facekey.core.ports import SeenFrames, SingleUse
from facekey.core.recurrence import FACE_BITS
from facekey.store.memory import MemorySeenFrames, MemorySingleUse
from tests.unit.core.glimpsed import frame_hash
from tests.unit.services.staged import HandTicker

MOST, TTL_S = 4, 100.0


@pytest.fixture
def ticker() -> HandTicker:
    return HandTicker()


@pytest.fixture(params=[lambda ticker: MemorySingleUse(ticker, most=MOST)], ids=["memory"])
def single_use(request: pytest.FixtureRequest, ticker: HandTicker) -> SingleUse:
    made: SingleUse = request.param(ticker)
    return made


@pytest.fixture(params=[lambda ticker: MemorySeenFrames(ticker, most=MOST, ttl_s=TTL_S)], ids=["memory"])
def seen_frames(request: pytest.FixtureRequest, ticker: HandTicker) -> SeenFrames:
    made: SeenFrames = request.param(ticker)
    return made


class TestSingleUse:
    async def test_a_value_is_given_once(self, single_use: SingleUse) -> None:
        assert await single_use.put("a", "x", ttl_s=TTL_S)
        assert await single_use.take("a") == "x"
        assert await single_use.take("a") is None

    async def test_a_key_is_taken_once_even_after_its_value_was_given(self, single_use: SingleUse) -> None:
        assert await single_use.put("a", "x", ttl_s=TTL_S)
        assert not await single_use.put("a", "y", ttl_s=TTL_S)
        assert await single_use.take("a") == "x"
        assert not await single_use.put("a", "z", ttl_s=TTL_S)

    async def test_what_was_never_there_is_not_given(self, single_use: SingleUse) -> None:
        assert await single_use.take("a") is None

    async def test_time_ends_it(self, single_use: SingleUse, ticker: HandTicker) -> None:
        await single_use.put("a", "x", ttl_s=TTL_S)
        ticker.now_s += TTL_S
        assert await single_use.take("a") is None
        assert await single_use.put("a", "y", ttl_s=TTL_S)
        assert await single_use.take("a") == "y"

    async def test_a_clock_that_goes_back_frees_nothing(
        self, single_use: SingleUse, ticker: HandTicker
    ) -> None:
        await single_use.put("a", "x", ttl_s=TTL_S)
        ticker.now_s -= 10 * TTL_S
        assert not await single_use.put("a", "y", ttl_s=TTL_S)


class TestSeenFrames:
    async def test_another_session_is_told(self, seen_frames: SeenFrames) -> None:
        await seen_frames.remember(frame_hash(1), session_id="first")
        assert await seen_frames.seen(frame_hash(1), session_id="second")
        assert await seen_frames.seen(frame_hash(1, flipped=20), session_id="second")
        assert not await seen_frames.seen(frame_hash(1, flipped=FACE_BITS + 1), session_id="second")
        assert not await seen_frames.seen(frame_hash(2), session_id="second")

    async def test_a_session_may_look_like_itself(self, seen_frames: SeenFrames) -> None:
        await seen_frames.remember(frame_hash(1), session_id="first")
        assert not await seen_frames.seen(frame_hash(1), session_id="first")

    async def test_time_ends_it(self, seen_frames: SeenFrames, ticker: HandTicker) -> None:
        await seen_frames.remember(frame_hash(1), session_id="first")
        ticker.now_s += TTL_S
        assert not await seen_frames.seen(frame_hash(1), session_id="second")


async def test_memory_is_bounded(ticker: HandTicker) -> None:
    keys = MemorySingleUse(ticker, most=MOST)
    frames = MemorySeenFrames(ticker, most=MOST, ttl_s=TTL_S)
    for number in range(3 * MOST + 1):
        ticker.now_s += 1.0
        assert await keys.put(f"key {number}", "x", ttl_s=TTL_S)
        await frames.remember(frame_hash(number), session_id="first")
    assert (len(keys), len(frames)) == (MOST, MOST)
    kept = [number for number in range(3 * MOST + 1) if await frames.seen(frame_hash(number), session_id="b")]
    assert kept == [9, 10, 11, 12], "the oldest go first"
    assert await keys.take("key 0") is None
    ticker.now_s += TTL_S
    await frames.remember(frame_hash(99), session_id="first")
    assert len(frames) == 1


@pytest.mark.parametrize(
    "made",
    [
        lambda ticker: MemorySingleUse(ticker, most=0),
        lambda ticker: MemorySeenFrames(ticker, most=0, ttl_s=1.0),
        lambda ticker: MemorySeenFrames(ticker, most=1, ttl_s=0.0),
    ],
)
def test_a_store_of_nothing_is_refused(made: Callable[[HandTicker], object], ticker: HandTicker) -> None:
    with pytest.raises(ValueError, match="at least one"):
        made(ticker)
