"""Accounts: somebody can sign in, with a password of their own, and nothing forgotten is left open."""

from sqlalchemy import select

from facekey.core.caller import Role
from facekey.doctor.examination import Finding, Patient, fail, ok, unknown, warn
from facekey.doctor.stored import reading
from facekey.store.sql.connection import Connection
from facekey.store.sql.schema import newest_revision, revision_of
from facekey.store.sql.tables import api_keys, operators
from facekey.store.sql.times import time_of


async def admins(patient: Patient) -> list[Finding]:
    """There is an admin who chose a password; no one-time password was left lying about."""
    now = patient.clock.now()
    async with reading(patient.settings.database_url) as database:
        if await database.read(revision_of) != newest_revision():
            return unknown(
                "the database doesn't have the schema of this version", "see the check of the schema"
            )
        rows = await database.read(_operators)
    active = [(name, role, one_time, time_of(expires)) for name, role, one_time, expires in rows]
    own = [name for name, role, one_time, _ in active if role == Role.ADMIN and not one_time]
    if not own:
        return fail(
            "there is no admin with a password of their own",
            "facekey accounts add NAME --role admin, and let them choose one (docs/accounts.md)",
        )
    over = [
        name for name, _, one_time, expires in active if one_time and expires is not None and expires <= now
    ]
    if over:
        return warn(
            f"one-time passwords that nobody used are over: {', '.join(sorted(over))}",
            "facekey accounts reset-password NAME, or facekey accounts disable NAME",
        )
    return ok(f"{len(own)} admins with a password of their own, {len(active)} accounts")


async def applications(patient: Patient) -> list[Finding]:
    """API keys have an end."""
    async with reading(patient.settings.database_url) as database:
        if await database.read(revision_of) != newest_revision():
            return []
        endless, counted = await database.read(_api_keys)
    if endless:
        return warn(
            f"API keys that never end: {', '.join(endless)}",
            "make new ones with --days, change them over, and revoke the old: facekey api-keys",
        )
    return ok(f"{counted} API keys, each with an end" if counted else "there is no API key")


async def _operators(connection: Connection) -> list[tuple[str, str, bool, str | None]]:
    query = select(
        operators.c.name, operators.c.role, operators.c.one_time, operators.c.password_expires_at
    ).where(operators.c.disabled_at.is_(None))
    return [(row[0], row[1], row[2], row[3]) for row in await connection.execute(query)]


async def _api_keys(connection: Connection) -> tuple[list[str], int]:
    query = select(api_keys.c.name, api_keys.c.expires_at).where(api_keys.c.revoked_at.is_(None))
    rows = (await connection.execute(query.order_by(api_keys.c.name))).all()
    return [row[0] for row in rows if row[1] is None], len(rows)
