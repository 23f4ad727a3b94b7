"""Backups: one is opened, and something sealed in it, with the keys at hand."""

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from facekey.core.errors import AuditBroken, KeyUnavailable, SealBroken, StoreUnavailable
from facekey.doctor.examination import Finding, Patient, fail, ok, unknown, warn
from facekey.doctor.log import all_records
from facekey.doctor.stored import opened
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.sealed_subjects import SealedSubject, open_sealed, read_sealed
from facekey.store.sql.tables import subjects
from facekey.wiring.database import prepare_database
from facekey.wiring.keys import open_keys

OLD = timedelta(days=7)
SQLITE = b"SQLite format 3\0"
POSTGRES_DUMP = b"PGDMP"
ANOTHER = "make a new backup, and look into why this one can't be used"


async def restorable(patient: Patient) -> list[Finding]:
    """A backup can be opened: its chain adds up, and a template in it opens with the keys at hand."""
    named = patient.backup or patient.settings.backup_check.get_secret_value().strip()
    if not named:
        return warn(
            "no backup was looked at: one that was never restored is a hope",
            "name a file or the URL of a database restored from one: --backup, or FACEKEY_BACKUP_CHECK",
        )
    ring = KeyRing(open_keys(patient.settings))
    if named.startswith("postgres"):
        return await _try(named, ring)
    path = Path(named)
    try:
        begin, changed = _look_at(path)
    except OSError as error:
        return fail(f"the backup {path} can't be read: {error.strerror}", ANOTHER)
    if begin.startswith(POSTGRES_DUMP):
        found = await _listed(path)
    elif begin == SQLITE:
        found = await _copied(path, ring, patient)
    else:
        return fail(f"the backup {path} is neither a SQLite database nor a PostgreSQL dump (-Fc)", ANOTHER)
    age = patient.clock.now() - changed
    if age > OLD:
        found += warn(f"the backup is {age.days} days old", "make one every day, and check the newest")
    return found


def _look_at(path: Path) -> tuple[bytes, datetime]:
    with path.open("rb") as file:
        begin = file.read(len(SQLITE))
    return begin, datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


async def _copied(path: Path, ring: KeyRing, patient: Patient) -> list[Finding]:
    """Look into a copy: opening a SQLite database can change it."""
    with tempfile.TemporaryDirectory(prefix="facekey-backup-") as folder:
        copy = Path(folder) / "copy.db"
        url = f"sqlite:///{copy}"
        await asyncio.to_thread(_copy, path, copy)
        try:
            # A backup of an older version is brought up to this one, as a restore would.
            await asyncio.to_thread(
                prepare_database, patient.settings.model_copy(update={"database_url": url})
            )
        except StoreUnavailable as error:
            return fail(f"the backup is damaged: {error}", ANOTHER)
        return await _try(url, ring)


def _copy(path: Path, copy: Path) -> None:
    for suffix in ("", "-wal"):
        source = Path(f"{path}{suffix}")
        if source.is_file():
            shutil.copyfile(source, f"{copy}{suffix}")
            Path(f"{copy}{suffix}").chmod(0o600)


async def _try(url: str, ring: KeyRing) -> list[Finding]:
    try:
        async with opened(url, ring) as stored:
            count = await all_records(stored)
            sealed = await stored.database.read(_somebody)
            if sealed is not None:
                open_sealed(ring, sealed)
    except AuditBroken as error:
        return fail(f"the audit log of the backup doesn't add up: {error}", ANOTHER)
    except (KeyUnavailable, SealBroken) as error:
        return fail(
            f"the backup can't be opened with the keys at hand: {error}",
            "a backup is worth nothing without its root key: keep both, apart from each other",
        )
    if sealed is None:
        return ok(f"the backup opens: {count} audit records add up; nobody is enrolled in it")
    return ok(f"the backup opens: {count} audit records add up, and a template opened with the keys at hand")


async def _somebody(connection: Connection) -> SealedSubject | None:
    """One person of the backup."""
    uid = (await connection.execute(select(subjects.c.uid).limit(1))).scalar_one_or_none()
    found = [] if uid is None else await read_sealed(connection, subjects.c.uid == uid)
    return found[0] if found else None


async def _listed(path: Path) -> list[Finding]:
    """A dump of PostgreSQL: that its contents can be listed is no proof, but a good sign."""
    program = shutil.which("pg_restore")
    mend = "restore it into a database of its own and name that: --backup postgresql://..."
    if program is None:
        return unknown("the backup is a PostgreSQL dump, and pg_restore isn't here to read it", mend)
    process = await asyncio.create_subprocess_exec(
        program,
        "--list",
        _absolute(path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        listed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    wanted = [
        f" TABLE DATA public {table} ".encode() for table in ("subjects", "templates", "audit", "deployment")
    ]
    if process.returncode != 0 or not all(entry in listed for entry in wanted):
        return fail("the backup can't be listed by pg_restore, or lacks tables of FaceKey", ANOTHER)
    return warn("the backup's contents can be listed; nothing in it was opened", mend)


def _absolute(path: Path) -> str:
    return str(path.resolve())  # so that it can't be taken for an option
