"""The clock: tokens, limits and the audit log rest on it."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from facekey.doctor.examination import Finding, Patient, fail, ok, warn
from facekey.doctor.redis import asking, redis_url
from facekey.doctor.stored import reading
from facekey.store.sql.connection import Connection

MOST_S = 30.0
MUCH_S = 2.0
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd; other daemons don't say it in a file."""

KEEP = "run an NTP client (chrony, systemd-timesyncd) on every machine"


async def against_others(patient: Patient) -> list[Finding]:
    """It agrees with those of PostgreSQL and Redis."""
    apart: dict[str, float] = {}
    if patient.settings.database_url.startswith("postgres"):
        async with reading(patient.settings.database_url) as database:
            theirs = await database.read(_postgres_time)
        apart["PostgreSQL"] = (theirs - patient.clock.now()).total_seconds()
    if url := redis_url(patient):
        async with asking(url) as redis:
            answer = await redis.call("TIME")
        if isinstance(answer, (list, tuple)) and len(answer) == 2:
            apart["Redis"] = float(answer[0]) + float(answer[1]) / 1e6 - patient.clock.now().timestamp()
    far = {name: seconds for name, seconds in apart.items() if abs(seconds) > MUCH_S}
    if far:
        said = ", ".join(f"{name} by {seconds:+.1f} s" for name, seconds in far.items())
        worst = max(abs(seconds) for seconds in far.values())
        return (fail if worst > MOST_S else warn)(f"the clocks differ: {said}", KEEP)
    if _synchronised():
        return ok("the clock is synchronised" + "".join(f", and agrees with {name}'s" for name in apart))
    if apart:
        return ok(
            f"the clock agrees with {' and '.join(apart)}; whether it is synchronised can't be told here"
        )
    return warn("there is nothing to compare the clock with", KEEP)


async def _postgres_time(connection: Connection) -> datetime:
    told: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return told.astimezone(UTC)


def _synchronised() -> bool:
    return SYNCHRONISED.exists()
