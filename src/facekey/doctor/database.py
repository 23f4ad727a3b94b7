"""The database: PostgreSQL, current, reached safely, and with an audit log that only grows."""

import os
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from facekey.doctor.examination import Finding, Patient, fail, ok, unknown, warn
from facekey.doctor.stored import reading
from facekey.notify.webhook import is_loopback
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import backend_of
from facekey.store.sql.schema import newest_revision, revision_of

OLDEST_SERVER = 14
VERIFYING = ("verify-full", "verify-ca")
APPEND_ONLY = ("audit", "audit_checkpoints")
MIGRATES = "start the service, or: python -c 'from app.core.database import init_db; init_db()'"

SQLITE_TRIGGERS = frozenset(
    f"{table}_no_{change}" for table in APPEND_ONLY for change in ("update", "delete")
)
POSTGRES_TRIGGERS = frozenset(f"{table}_only_grows" for table in APPEND_ONLY)


async def server(patient: Patient) -> list[Finding]:
    """It is PostgreSQL of a version that is still maintained, and answers."""
    url = _address(patient)
    if _is_sqlite(url):
        return fail(
            "the database is SQLite: one file for one process on one machine",
            "take PostgreSQL for production: DATABASE_URL=postgresql://... (docs/operations.md)",
        )
    async with reading(patient.settings.database_url) as database:
        number = int(await database.read(lambda connection: _ask(connection, "SHOW server_version_num")))
    version = number // 10_000
    if version < OLDEST_SERVER:
        return fail(f"PostgreSQL {version} is too old", f"take {OLDEST_SERVER} or newer")
    return ok(f"PostgreSQL {version} answers")


async def connection(patient: Patient) -> list[Finding]:
    """On its way over a network it is encrypted, and the server's certificate is looked at."""
    url = _address(patient)
    if _is_sqlite(url) or _is_local(url):
        return ok("the database is on this machine")
    async with reading(patient.settings.database_url) as database:
        asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        encrypted = await database.read(lambda connection: _ask(connection, asked))
    if encrypted not in ("True", "t"):
        return fail(
            "the connection to PostgreSQL has no TLS: all of it can be read and changed on the way",
            "add ?sslmode=verify-full&sslrootcert=/path/ca.pem to DATABASE_URL",
        )
    if not verifies(url, os.environ):
        return warn(
            "the certificate of PostgreSQL isn't verified: somebody in between could pose as it",
            "add ?sslmode=verify-full&sslrootcert=/path/ca.pem to DATABASE_URL",
        )
    return ok("the connection to PostgreSQL has TLS, its certificate is verified")


def verifies(url: URL, environment: Mapping[str, str]) -> bool:
    """Whether the server's certificate is looked at.

    PGSSLMODE is libpq's own variable, for URLs that don't say: operators of databases write such.
    """
    return (url.query.get("sslmode") or environment.get("PGSSLMODE")) in VERIFYING


async def role(patient: Patient) -> list[Finding]:
    """The service's own user can't switch off what protects the log."""
    if _is_sqlite(_address(patient)):
        return ok("SQLite has no users; the file's permissions are looked at below")
    asked = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    async with reading(patient.settings.database_url) as database:
        superuser = await database.read(lambda connection: _ask(connection, asked))
    if superuser in ("True", "t"):
        return fail(
            "the service signs in to PostgreSQL as a superuser",
            "make a user that owns this database and nothing else: CREATE ROLE facekey LOGIN; "
            "CREATE DATABASE facekey OWNER facekey",
        )
    return ok("the service's PostgreSQL user is an ordinary one")


async def schema(patient: Patient) -> list[Finding]:
    """It is the one of this version."""
    newest = newest_revision()
    async with reading(patient.settings.database_url) as database:
        current = await database.read(revision_of)
    if current is None:
        return fail("the database has no tables yet", MIGRATES)
    if current > newest:
        return fail(
            f"the database has the schema {current} of a newer version", "run that version, or a newer one"
        )
    if current != newest:
        return fail(f"the database has the schema {current}, this version has {newest}", MIGRATES)
    return ok(f"the schema is current ({current})")


async def append_only(patient: Patient) -> list[Finding]:
    """The database refuses to change or delete audit records."""
    if _is_sqlite(_address(patient)):
        wanted, asked = SQLITE_TRIGGERS, "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        wanted, asked = POSTGRES_TRIGGERS, "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"

    async def names(connection: Connection) -> set[str]:
        return {str(row[0]) for row in await connection.execute(text(asked))}

    async with reading(patient.settings.database_url) as database:
        if await database.read(revision_of) is None:
            return unknown("the database has no tables yet", MIGRATES)
        missing = wanted - await database.read(names)
    if missing:
        return fail(
            f"the audit log can be changed: the triggers {', '.join(sorted(missing))} are gone or disabled",
            "find out who took them away, run facekey audit verify, put them back from a new database",
        )
    return ok("audit records can't be changed or deleted in the database")


def _address(patient: Patient) -> URL:
    backend_of(patient.settings.database_url)  # refuses what can't be read, without showing it
    return make_url(patient.settings.database_url)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _is_local(url: URL) -> bool:
    host = url.query.get("host", url.host or "")
    return isinstance(host, str) and (host == "" or host.startswith("/") or is_loopback(host))


async def _ask(connection: Connection, statement: str) -> str:
    return str((await connection.execute(text(statement))).scalar_one())
