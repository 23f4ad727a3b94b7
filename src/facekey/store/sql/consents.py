"""Consents in the database.

When the last of a person's consents ends stands in the person's own row, where every
comparison sees it without looking further.
"""

import secrets
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from facekey.core.audit import AuditEvent
from facekey.core.consent import Consent, ConsentGiven, ends_at
from facekey.core.errors import SubjectUnknown
from facekey.core.labels import PURPOSE as BIAS_MONITORING
from facekey.core.types import SubjectId
from facekey.core.voice import PURPOSE as VOICE
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import (
    ADDED,
    ERASED,
    consents,
    gallery_changes,
    labels,
    subjects,
    voice_templates,
)
from facekey.store.sql.times import text_of, time_of, written


class SqlConsents:
    """Implements `core.ports.privacy.Consents`."""

    def __init__(self, database: Database, audit: SqlAuditLog) -> None:
        """Take the log that each change is written to."""
        self._database = database
        self._audit = audit

    async def of(self, subject_id: SubjectId) -> list[Consent]:
        """All of them, the oldest first, those that are over included.

        Raises:
            SubjectUnknown: there is nobody of that id.
        """

        async def reading(connection: Connection) -> list[Consent]:
            return await consents_of(connection, await self._uid(connection, subject_id))

        return await self._database.read(reading)

    async def give(self, subject_id: SubjectId, given: ConsentGiven, event: AuditEvent) -> Consent:
        """Keep another one.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """

        async def giving(connection: Connection) -> Consent:
            uid = await self._uid(connection, subject_id)
            consent = await put_consent(connection, uid, given, event.at)
            await _settle(connection, uid, event.at)
            await self._audit.append_within(connection, event)
            return consent

        return await self._database.write(giving)

    async def withdraw(self, subject_id: SubjectId, purpose: str | None, event: AuditEvent) -> int:
        """End those that hold, all or those for a purpose; give how many there were.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """

        async def withdrawing(connection: Connection) -> int:
            uid = await self._uid(connection, subject_id)
            ending = [
                consent.uid
                for consent in await consents_of(connection, uid)
                if consent.ends_at > event.at and purpose in (None, consent.given.purpose)
            ]
            if ending:
                await connection.execute(
                    update(consents).where(consents.c.uid.in_(ending)).values(withdrawn_at=written(event.at))
                )
                await _settle(connection, uid, event.at)
            if purpose in (None, BIAS_MONITORING):
                await connection.execute(delete(labels).where(labels.c.subject_uid == uid))
            if purpose in (None, VOICE):
                await connection.execute(delete(voice_templates).where(voice_templates.c.subject_uid == uid))
            await self._audit.append_within(connection, event)
            return len(ending)

        return await self._database.write(withdrawing)

    async def _uid(self, connection: Connection, subject_id: SubjectId) -> str:
        query = select(subjects.c.uid).where(subjects.c.lookup == self._audit.names.lookup(subject_id))
        uid: str | None = (await connection.execute(query)).scalar_one_or_none()
        if uid is None:
            raise SubjectUnknown(subject_id)
        return uid


async def put_consent(connection: Connection, uid: str, given: ConsentGiven, at: datetime) -> Consent:
    """Write a consent beside a person's row."""
    consent = Consent(secrets.token_hex(16), given, at)
    await connection.execute(
        insert(consents).values(
            uid=consent.uid,
            subject_uid=uid,
            purpose=given.purpose,
            text_version=given.text_version,
            given_at=written(at),
            expires_at=text_of(given.expires_at),
        )
    )
    return consent


async def consents_of(connection: Connection, uid: str) -> list[Consent]:
    """A person's consents, the oldest first."""
    rows = await connection.execute(
        select(consents).where(consents.c.subject_uid == uid).order_by(consents.c.given_at, consents.c.uid)
    )
    return [
        Consent(
            row.uid,
            ConsentGiven(row.purpose, row.text_version, time_of(row.expires_at)),
            datetime.fromisoformat(row.given_at),
            time_of(row.withdrawn_at),
        )
        for row in rows
    ]


async def _settle(connection: Connection, uid: str, at: datetime) -> None:
    """Note when the last consent ends; who has none that holds leaves every gallery."""
    until = ends_at(await consents_of(connection, uid))
    await connection.execute(
        update(subjects).where(subjects.c.uid == uid).values(consent_until=text_of(until))
    )
    holds = until is None or until > at
    await connection.execute(insert(gallery_changes).values(kind=ADDED if holds else ERASED, subject_uid=uid))
