"""What it costs to put a decision on record.

Protocol: a real PostgreSQL (18, default settings, fsync and synchronous commit on) and a
SQLite file, each with 10,000 records before the clock starts. 500 appends one after the
other, each in a transaction of its own that is durable when it returns: from the call to
its return. Beside them a bare commit of one row on the same connection settings, which is
the part of it that is the disk's. Then all of the log is verified, head and links.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench.host import describe
from bench.intervals import median
from bench.results import Figure, Result
from facekey.core.audit import AuditEvent
from facekey.core.types import SubjectId
from facekey.services.verify_audit import VerifyAudit
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.audit_trail import SqlAuditTrail
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.migrate import migrate
from tests.postgres import start_postgres

BEFORE = 10_000
APPENDS = 500
FILLING = 500  # records in one transaction
KEY = bytes(range(32))


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    print(f"machine: {describe()}")
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/bench.db"
        migrate(url)
        figures = asyncio.run(_measure("SQLite", url))
    server = start_postgres(durable=True)
    try:
        figures += asyncio.run(_measure("PostgreSQL", server.migrated()))
    finally:
        server.stop()
    return Result(tuple(figures))


async def _measure(kind: str, url: str) -> list[Figure]:
    database = Database(url)
    try:
        log = SqlAuditLog(database, pseudonym_key=KEY)
        await _fill(database, log)
        appends = await _timed(lambda: log.append(_event()))
        commits = await _timed(lambda: database.write(_bare))
        figures = [_tell(f"{kind}: append", appends), _tell(f"{kind}: bare commit", commits)]
        began = time.perf_counter()
        verify = VerifyAudit(trail=SqlAuditTrail(database), verifier=None, pseudonym_key=KEY)
        found = await verify()
        took = time.perf_counter() - began
        print(f"{kind}: {found.head.sequence} records verified in {took:.2f} s")
        return figures
    finally:
        await database.close()


async def _fill(database: Database, log: SqlAuditLog) -> None:
    async def some(connection: Connection) -> None:
        for _ in range(FILLING):
            await log.append_within(connection, _event())

    for _ in range(BEFORE // FILLING):
        await database.write(some)


async def _bare(connection: Connection) -> None:
    row = {"name": "bench", "key": b"x"}
    upsert = (
        "INSERT INTO deployment (name, wrapped_key) VALUES (:name, :key) "
        "ON CONFLICT (name) DO UPDATE SET wrapped_key = excluded.wrapped_key"
    )
    await connection.execute(text(upsert), row)


async def _timed(work: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each of many calls."""
    taken = []
    for _ in range(APPENDS):
        began = time.perf_counter()
        await work()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _event() -> AuditEvent:
    details = {
        "liveness": 0.98,
        "quality": 0.71,
        "match_evidence": 12.3456,
        "models": "mobilefacenet:d8ba40c0127f",
    }
    return AuditEvent(
        "authenticate",
        "operator:00000000",
        SubjectId("alice"),
        "accept",
        "live_match",
        datetime.now(UTC),
        details,
    )


def _tell(what: str, taken: list[float]) -> Figure:
    cuts = statistics.quantiles(taken, n=100)
    print(f"{what}: p50 {cuts[49]:.2f} ms, p95 {cuts[94]:.2f} ms, p99 {cuts[98]:.2f} ms")
    mid, low, high = median(taken)
    name = what.lower().replace(": ", "_").replace(" ", "_")
    return Figure(f"{name}_ms", what, mid, "ms", len(taken), low, high, digits=2)
