"""Redis: protected, and made so that it never forgets by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from facekey.doctor.examination import Finding, Patient, fail, ok, warn
from facekey.notify.webhook import is_loopback

if TYPE_CHECKING:
    from facekey.store.redis.connection import RedisConnection


def redis_url(patient: Patient) -> str:
    """Where it is; empty where there is none."""
    secret = patient.settings.redis_url
    return "" if secret is None else secret.get_secret_value().strip()


@asynccontextmanager
async def asking(url: str) -> "AsyncIterator[RedisConnection]":
    """Redis, closed again at the end."""
    # Only here: redis-py takes a tenth of a second to load.
    from facekey.store.redis import connection  # noqa: PLC0415

    redis = connection.RedisConnection(url)
    try:
        yield redis
    finally:
        await redis.close()


async def address(patient: Patient) -> list[Finding]:
    """It answers, and who doesn't belong there can't ask it."""
    url = redis_url(patient)
    if not url:
        return warn(
            "there is no Redis: sessions, replays, limits and revoked tokens are each process's own",
            "set REDIS_URL, or run one process only",
        )
    async with asking(url) as redis:
        await redis.call("PING")
    parts = urlsplit(url)
    remote = parts.scheme != "unix" and not is_loopback(parts.hostname or "localhost")
    if remote and parts.scheme != "rediss":
        return fail("the connection to Redis has no TLS", "REDIS_URL=rediss://...")
    if not parts.password and "password=" not in parts.query:
        found = "Redis asks for no password, or none is set"
        mend = "give Redis a user and a password: REDIS_URL=rediss://user:password@host:port/0"
        return fail(found, mend) if remote else warn(found, mend)
    return ok("Redis answers, with a password")


async def memory(patient: Patient) -> list[Finding]:
    """When it is full it refuses; after a restart it still knows what was revoked."""
    url = redis_url(patient)
    if not url:
        return []
    async with asking(url) as redis:
        told = {**_info(await redis.call("INFO", "memory")), **_info(await redis.call("INFO", "persistence"))}
    policy = told.get("maxmemory_policy", "not told")
    if policy != "noeviction":
        return fail(
            f"a full Redis forgets used session ids and revoked tokens (maxmemory-policy {policy})",
            "CONFIG SET maxmemory-policy noeviction, and the same in its configuration file",
        )
    if told.get("aof_enabled") != "1":
        return warn("revoked tokens count again after a restart of Redis", "appendonly yes")
    return ok("Redis refuses when it is full, and keeps what it has on disk")


def _info(answer: object) -> dict[str, str]:
    """Redis's INFO as a table; some versions of the client take it apart already."""
    if isinstance(answer, dict):
        return {_text(name): _text(value) for name, value in answer.items()}
    lines = (line.partition(":") for line in _text(answer).splitlines())
    return {name: value.strip() for name, _, value in lines}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
