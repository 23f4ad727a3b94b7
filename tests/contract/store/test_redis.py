"""What only a shared store can promise or break: replicas, outages, and what others can see."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from facekey.core.errors import RateLimited, SettingsInvalid, StoreUnavailable
from facekey.core.ports.shared import Change, Listener, Rate
from facekey.store.redis.connection import RedisConnection, Script
from facekey.store.redis.envelope import Envelope
from facekey.store.redis.seen_frames import CHUNK, RedisSeenFrames
from facekey.store.redis.shared import in_redis
from facekey.store.shared import SeenFramesLimits, Shared
from tests.servers import RedisServer
from tests.unit.core.glimpsed import frame_hash
from tests.unit.services.staged import HandTicker

SECRET = os.urandom(32)
LONG_S = 100.0
BUDGET = Rate(per_s=0.001, burst=1)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One to stop and start."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


def replica(
    url: str, ticker: HandTicker | None = None, secret: bytes = SECRET
) -> AbstractAsyncContextManager[Shared]:
    limits = SeenFramesLimits(most=100, ttl_s=LONG_S)
    return in_redis(url, secret=secret, ticker=ticker or HandTicker(), frames=limits)


@asynccontextmanager
async def replicas(url: str, count: int = 2) -> AsyncIterator[list[Shared]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(replica(url)) for _ in range(count)]


async def heard(listener: Listener, change: Change) -> None:
    async with asyncio.timeout(5.0):
        while change not in await listener.wait(within_s=5.0):
            pass


async def quiet(listener: Listener) -> None:
    """Wait until nothing is said any more: a new connection tells of everything once."""
    while await listener.wait(within_s=0.3):
        pass


async def everything(redis: RedisConnection) -> bytes:
    """All that Redis holds, names and values."""
    names = await redis.call("KEYS", "*")
    assert isinstance(names, list)
    dumped = [(name, await redis.call("DUMP", name)) for name in names]
    return repr(dumped).encode()


class TestReplicas:
    async def test_what_one_uses_up_is_used_up_for_all(self, redis_server: RedisServer) -> None:
        async with replicas(redis_server.url) as (here, there):
            key = os.urandom(8).hex()
            assert await here.single_use.put(key, "x", ttl_s=LONG_S)
            assert not await there.single_use.put(key, "y", ttl_s=LONG_S)
            assert await there.single_use.take(key) == "x"
            assert await here.single_use.take(key) is None

    async def test_a_frame_shown_to_one_is_seen_by_all(self, redis_server: RedisServer) -> None:
        async with replicas(redis_server.url) as (here, there):
            for number in range(5):
                await here.seen_frames.remember(frame_hash(number), session_id="first")
                assert await there.seen_frames.seen(frame_hash(number), session_id="second")
                assert not await there.seen_frames.seen(frame_hash(number), session_id="first")
        async with replica(redis_server.url) as late:
            assert await late.seen_frames.seen(frame_hash(0), session_id="second")

    async def test_many_sessions_ask_at_once(self, redis_server: RedisServer) -> None:
        async with replicas(redis_server.url) as (here, there):

            async def show(number: int) -> bool:
                await here.seen_frames.remember(frame_hash(100 + number), session_id="first")
                return await there.seen_frames.seen(frame_hash(100 + number), session_id="second")

            assert all(await asyncio.gather(*(show(number) for number in range(50))))

    async def test_more_frames_than_one_answer_holds(self, redis_server: RedisServer) -> None:
        redis, envelope = RedisConnection(redis_server.url), Envelope(os.urandom(32))
        most = CHUNK + 200
        one, other = (RedisSeenFrames(redis, envelope, most=most, ttl_s=LONG_S) for _ in range(2))
        for number in range(most + 50):
            await one.remember(frame_hash(number), session_id="first")
        assert not await other.seen(frame_hash(49), session_id="second")
        assert await other.seen(frame_hash(50), session_id="second")
        assert await other.seen(frame_hash(most + 49), session_id="second")
        assert len(other) == most
        assert await redis.call("XLEN", envelope.key("frames")) == most
        await redis.close()

    async def test_budgets_and_revocations_are_everybodys(self, redis_server: RedisServer) -> None:
        async with replicas(redis_server.url) as (here, there):
            key = os.urandom(8).hex()
            await here.rate_limiter.spend(key, BUDGET)
            with pytest.raises(RateLimited):
                await there.rate_limiter.spend(key, BUDGET)
            await here.revocations.revoke(key, ttl_s=LONG_S)
            assert await there.revocations.is_revoked(key)

    async def test_changes_wake_the_others(self, redis_server: RedisServer) -> None:
        async with replicas(redis_server.url) as (here, there):
            listener = there.changes.listen()
            await quiet(listener)
            here.changes.announce(Change.SETTINGS)
            assert await listener.wait(within_s=5.0) == {Change.SETTINGS}

    async def test_deployments_on_one_redis_do_not_meet(self, redis_server: RedisServer) -> None:
        async with (
            replica(redis_server.url) as ours,
            replica(redis_server.url, secret=os.urandom(32)) as other,
        ):
            key, frame = os.urandom(8).hex(), frame_hash(1000)
            assert await ours.single_use.put(key, "x", ttl_s=LONG_S)
            assert await other.single_use.put(key, "y", ttl_s=LONG_S)
            await ours.seen_frames.remember(frame, session_id="first")
            assert not await other.seen_frames.seen(frame, session_id="second")


class TestOutage:
    async def test_what_must_be_known_is_refused_and_comes_back(self, own_server: RedisServer) -> None:
        ticker = HandTicker()
        async with replica(own_server.url, ticker) as shared:
            await shared.seen_frames.remember(frame_hash(1), session_id="first")
            assert await shared.seen_frames.seen(frame_hash(1), session_id="second")
            own_server.stop()
            for asked in questions(shared):
                with pytest.raises(StoreUnavailable) as refused:
                    await asked
                assert str(own_server.port) not in str(refused.value)
                assert refused.value.__suppress_context__
            own_server.start()
            for asked in questions(shared):
                await asked
            # What this replica saw itself it still knows, though Redis lost it; and what comes now too.
            assert await shared.seen_frames.seen(frame_hash(1), session_id="second")
            await shared.seen_frames.remember(frame_hash(2), session_id="first")
            assert await shared.seen_frames.seen(frame_hash(2), session_id="second")

    async def test_two_replicas_agree_again_after_redis_lost_everything(
        self, own_server: RedisServer
    ) -> None:
        async with replicas(own_server.url) as (here, there):
            for number in range(3):
                await here.seen_frames.remember(frame_hash(number), session_id="first")
            assert await there.seen_frames.seen(frame_hash(2), session_id="second")
            own_server.stop()
            own_server.start()
            await here.seen_frames.remember(frame_hash(7), session_id="first")
            assert await there.seen_frames.seen(frame_hash(7), session_id="second")

    async def test_a_redis_whose_clock_went_back_is_read_anew(self, redis_server: RedisServer) -> None:
        redis, envelope = RedisConnection(redis_server.url), Envelope(os.urandom(32))
        frames = RedisSeenFrames(redis, envelope, most=100, ttl_s=LONG_S)
        await frames.remember(frame_hash(1), session_id="first")
        assert await frames.seen(frame_hash(1), session_id="second")
        frames._last = b"99999999999999-0"  # as if read before the clock went back
        await redis.call("DEL", envelope.key("frames"))
        await frames.remember(frame_hash(2), session_id="first")
        assert await frames.seen(frame_hash(2), session_id="second")
        await redis.close()

    async def test_rate_limits_go_on_by_themselves(self, own_server: RedisServer) -> None:
        ticker = HandTicker()
        async with replica(own_server.url, ticker) as shared:
            own_server.stop()
            with capture_logs() as logs:
                for key in ("a", "b", "c"):
                    await shared.rate_limiter.spend(key, BUDGET)
                    with pytest.raises(RateLimited):
                        await shared.rate_limiter.spend(key, BUDGET)
                    ticker.now_s += 5.0
            assert [line["event"] for line in logs].count("rate_limits_per_process") == 1
            own_server.start()
            with capture_logs() as logs:
                await shared.rate_limiter.spend("a", BUDGET)
            assert [line["event"] for line in logs].count("rate_limits_shared_again") == 1
            with pytest.raises(RateLimited):
                await shared.rate_limiter.spend("a", BUDGET)

    async def test_a_redis_that_is_silent_is_not_waited_for(self, own_server: RedisServer) -> None:
        async with replica(own_server.url) as shared:
            await shared.check()
            own_server.freeze()
            began = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await shared.check()
            assert time.monotonic() - began < 10.0  # two at most; a loaded machine gets more
            # The limiter asks once, then leaves Redis alone for a while.
            await shared.rate_limiter.spend("a", BUDGET)
            began = time.monotonic()
            for number in range(100):
                await shared.rate_limiter.spend(str(number), BUDGET)
            assert time.monotonic() - began < 1.0
            own_server.thaw()
            await shared.check()

    async def test_wake_ups_come_back(self, own_server: RedisServer) -> None:
        async with replicas(own_server.url) as (here, there):
            listener = there.changes.listen()
            await quiet(listener)
            own_server.stop()
            here.changes.announce(Change.SETTINGS)
            assert await listener.wait(within_s=0.05) == frozenset()
            own_server.start()
            await heard(listener, Change.SETTINGS)

    async def test_a_process_begins_without_redis(self, own_server: RedisServer) -> None:
        own_server.stop()
        async with replica(own_server.url) as shared:
            with pytest.raises(StoreUnavailable):
                await shared.check()
            own_server.start()
            await shared.check()

    async def test_a_full_redis_refuses(self, tmp_path: Path) -> None:
        server = RedisServer(tmp_path, ("--maxmemory", "1", "--maxmemory-policy", "noeviction"))
        server.start()
        try:
            async with replica(server.url) as shared:
                with pytest.raises(StoreUnavailable):
                    await shared.single_use.put("a", "x", ttl_s=LONG_S)
                with pytest.raises(StoreUnavailable):
                    await shared.revocations.revoke("a", ttl_s=LONG_S)
        finally:
            server.stop()


def questions(shared: Shared) -> tuple[Awaitable[object], ...]:
    """All that may not be answered by guessing."""
    return (
        shared.single_use.put("a", "x", ttl_s=LONG_S),
        shared.single_use.take("b"),
        shared.seen_frames.seen(frame_hash(3), session_id="second"),
        shared.seen_frames.remember(frame_hash(4), session_id="second"),
        shared.revocations.revoke("a", ttl_s=LONG_S),
        shared.revocations.is_revoked("b"),
        shared.check(),
    )


class TestWhatOthersSee:
    async def test_no_name_and_no_frame_stands_in_redis(self, redis_server: RedisServer) -> None:
        alice, frame = "kiosk/session-of-alice/alice", frame_hash(5)
        async with replica(redis_server.url, secret=os.urandom(32)) as shared:
            await shared.single_use.put(f"session/{alice}", alice, ttl_s=LONG_S)
            await shared.seen_frames.remember(frame, session_id="session-of-alice")
            await shared.rate_limiter.spend("account/alice", BUDGET)
            await shared.rate_limiter.spend("address/192.0.2.7", BUDGET)
            await shared.revocations.revoke("alice", ttl_s=LONG_S)
        redis = RedisConnection(redis_server.url)
        held = await everything(redis)
        names = await redis.call("KEYS", "*")
        await redis.close()
        assert isinstance(names, list)
        assert all(name.startswith(b"facekey:") for name in names)
        for hidden in (b"alice", b"kiosk", b"192.0.2.7", frame.whole[:8], frame.face[:8]):
            assert hidden not in held
            assert repr(hidden)[2:-1].encode() not in held

    async def test_everything_ends(self, redis_server: RedisServer) -> None:
        secret = os.urandom(32)
        async with replica(redis_server.url, secret=secret) as shared:
            await shared.single_use.put("a", "x", ttl_s=LONG_S)
            await shared.single_use.take("a")
            await shared.seen_frames.remember(frame_hash(5), session_id="b")
            await shared.rate_limiter.spend("c", BUDGET)
            await shared.revocations.revoke("d", ttl_s=LONG_S)
        redis = RedisConnection(redis_server.url)
        names = await redis.call("KEYS", Envelope(secret).key("*"))
        assert isinstance(names, list)
        assert len(names) == 5
        for name in names:
            left_ms = await redis.call("PTTL", name)
            assert isinstance(left_ms, int)
            assert 0 < left_ms <= 1000 * 1000
        await redis.close()


class TestHostileValues:
    """Somebody else writes to Redis."""

    async def test_a_value_that_is_not_ours_is_not_given(self, redis_server: RedisServer) -> None:
        redis, secret = RedisConnection(redis_server.url), os.urandom(32)
        envelope = Envelope(secret)
        async with replica(redis_server.url, secret=secret) as shared:
            await shared.single_use.put("mine", "x", ttl_s=LONG_S)
            sealed = await redis.call("GET", envelope.key("once", "mine"))
            assert isinstance(sealed, bytes)
            for put in (b"x", b"a" * 12, b"a" * 500, sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1])):
                await redis.call("SET", envelope.key("once", "mine"), put)
                assert await shared.single_use.take("mine") is None
            await redis.call("SET", envelope.key("once", "other"), sealed)  # moved from another key
            assert await shared.single_use.take("other") is None
        await redis.close()

    async def test_frames_that_are_not_ours_are_passed_over(self, redis_server: RedisServer) -> None:
        redis, secret = RedisConnection(redis_server.url), os.urandom(32)
        key = Envelope(secret).key("frames")
        short = Envelope(secret).seal(b"short", key=key)
        async with replica(redis_server.url, secret=secret) as shared:
            await shared.seen_frames.remember(frame_hash(1), session_id="first")
            for value in (b"", b"x" * 300, short):
                await redis.call("XADD", key, "*", "f", value)
            await shared.seen_frames.remember(frame_hash(2), session_id="first")
            with capture_logs() as logs:
                assert await shared.seen_frames.seen(frame_hash(1), session_id="second")
                assert await shared.seen_frames.seen(frame_hash(2), session_id="second")
            assert [line["entries"] for line in logs if line["event"] == "redis_value_not_ours"] == [3]
        await redis.close()

    @pytest.mark.parametrize("kind", ["frames", "once", "rate", "revoked"])
    async def test_a_key_of_another_kind_is_an_outage(self, redis_server: RedisServer, kind: str) -> None:
        redis, secret = RedisConnection(redis_server.url), os.urandom(32)
        await redis.call("HSET", Envelope(secret).key(kind, None if kind == "frames" else "a"), "x", "y")
        async with replica(redis_server.url, secret=secret) as shared:
            if kind == "frames":
                with pytest.raises(StoreUnavailable):
                    await shared.seen_frames.seen(frame_hash(1), session_id="a")
            elif kind == "once":
                with pytest.raises(StoreUnavailable):
                    await shared.single_use.take("a")
            elif kind == "rate":
                await shared.rate_limiter.spend("a", BUDGET)
                with pytest.raises(RateLimited):
                    await shared.rate_limiter.spend("a", BUDGET)
            else:
                assert await shared.revocations.is_revoked("a")
        await redis.close()

    async def test_any_message_may_come(self, redis_server: RedisServer) -> None:
        redis, secret = RedisConnection(redis_server.url), os.urandom(32)
        channel = Envelope(secret).key("changes")
        async with replica(redis_server.url, secret=secret) as shared:
            listener = shared.changes.listen()
            await quiet(listener)
            for message in (b"", b"\xff\xfe", b"erase everything", b"GALLERY", b"a" * 100_000):
                await redis.call("PUBLISH", channel, message)
            await redis.call("PUBLISH", channel, "gallery")
            assert await listener.wait(within_s=5.0) == {Change.GALLERY}
        await redis.close()


class TestAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "localhost:6379",
            "http://:hunter2@localhost",
            "redis://:hunter2@localhost:port/0",
            "redis://:hunter2@localhost/0?socket_timeout=never",
            "redis://:hunter2@localhost/0?no_such_option=1",
        ],
    )
    def test_what_is_none_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(SettingsInvalid) as refused:
            RedisConnection(url)
        assert "REDIS_URL" in str(refused.value)
        assert "hunter2" not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None

    async def test_a_password_is_used_and_never_shown(self, tmp_path: Path) -> None:
        server = RedisServer(tmp_path, ("--requirepass", "hunter2"))
        server.start()
        try:
            known = RedisConnection(f"redis://:hunter2@127.0.0.1:{server.port}/0")
            assert await known.call("PING")
            assert "hunter2" not in repr(known) + repr(vars(known))
            await known.close()
            for credentials in ("", ":hunter3@"):
                redis = RedisConnection(f"redis://{credentials}127.0.0.1:{server.port}/0")
                with pytest.raises(StoreUnavailable) as refused:
                    await redis.call("PING")
                assert "hunter" not in str(refused.value)
                await redis.close()
        finally:
            server.stop()

    def test_a_script_does_not_fill_logs(self) -> None:
        assert repr(Script("return 1")) == "Script(digest='e0e1f9fabfc9d4800c877a703b823ac0578ff8db')"

    def test_a_short_secret_is_none(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            Envelope(b"short")
