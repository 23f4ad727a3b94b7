"""Capacity: what one machine decides, and what each enrolled person takes.

- Decisions: gunicorn with one, two and four workers, PostgreSQL, Redis and the clients on this
  machine. Twice as many clients as workers ask for authentications (640 x 480 JPEG, one person, let
  in), each again as soon as it is answered.
- People: 10,000 made-up ones with five photos each, stored as registrations are, beside an empty
  deployment: bytes in PostgreSQL, and memory of a service that searches them.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psycopg

from bench.host import describe
from bench.results import Column, Figure, Result, Table
from bench.scale import PEOPLE, fill
from bench.server import deployment, running_server
from bench.sustained import ask, service
from facekey.store.keys.encryption_key import EncryptionKey
from tests.postgres import PostgresServer, start_postgres

WORKERS = (1, 2, 4)
WARM_S, SECONDS = 10.0, 60.0
KILOBYTE = 1024


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    print(describe())
    rows = []
    for workers in WORKERS:
        with TemporaryDirectory() as folder, service(Path(folder), workers) as (url, look, photo):
            ask(url, photo, 2 * workers, WARM_S)
            answers, took_s = ask(url, photo, 2 * workers, SECONDS)
            memory_mb = look().memory_mb
        p50, p99 = (1000 * float(np.quantile(answers.seconds, q)) for q in (0.5, 0.99))
        rate = len(answers.seconds) / took_s
        print(
            f"{workers} workers, {2 * workers} clients: {rate:.1f} decisions a second, "
            f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {memory_mb:.0f} MB"
        )
        rows.append((float(workers), 2.0 * workers, rate, p50, p99, memory_mb))
    postgres = start_postgres()
    try:
        figures = _people(postgres)
    finally:
        postgres.stop()
    columns = (
        Column("workers", digits=0),
        Column("clients", digits=0),
        Column("decisions a second", "1/s", bars=True),
        Column("p50", "ms", 0),
        Column("p99", "ms", 0),
        Column("memory of all", "MB", 0),
    )
    return Result(figures, (Table("workers", "gunicorn, PostgreSQL, Redis", columns, tuple(rows)),))


def _people(postgres: PostgresServer) -> tuple[Figure, ...]:
    key, empty, full = EncryptionKey.generate(), postgres.migrated(), postgres.migrated()
    asyncio.run(fill(full, key))
    stored = (_bytes(full) - _bytes(empty)) / PEOPLE
    memory_mb = []
    for url in (empty, full):
        with TemporaryDirectory() as folder:
            environment = {**deployment(Path(folder)), "DATABASE_URL": url, "ENCRYPTION_KEY": key.written()}
            with running_server(environment) as server:
                memory_mb.append(server.resident_mb())
    held = (memory_mb[1] - memory_mb[0]) * KILOBYTE / PEOPLE
    with psycopg.connect(full, autocommit=True) as connection:
        connection.execute("VACUUM")
        row = connection.execute(
            "SELECT pg_total_relation_size('audit')::float / count(*) FROM audit"
        ).fetchone()
    record = 0.0 if row is None else float(row[0])
    print(
        f"{PEOPLE} people: {stored / KILOBYTE:.1f} kB each in PostgreSQL, audit record and indexes included; "
        f"{held:.1f} kB each in the memory of every process that searches them; "
        f"one audit record takes {record / KILOBYTE:.2f} kB"
    )
    return (
        Figure("person_stored_kb", "each person in PostgreSQL", stored / KILOBYTE, "kB", PEOPLE),
        Figure("person_held_kb", "each person in the memory of a process", held / KILOBYTE, "kB", PEOPLE),
        Figure("record_kb", "each audit record in PostgreSQL", record / KILOBYTE, "kB", digits=2),
    )


def _bytes(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0 if row is None else int(row[0])
