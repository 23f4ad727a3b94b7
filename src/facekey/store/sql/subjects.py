"""Enrolled people in the database: added and erased as a whole, each with its audit record."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from facekey.core.audit import AuditEvent
from facekey.core.consent import ends_at
from facekey.core.errors import GalleryMoved, StoreUnavailable, SubjectExists, SubjectUnknown
from facekey.core.ports.audit import Receipt
from facekey.core.ports.subjects import NOTHING, Beside, Decoy
from facekey.core.types import References, SubjectId, Template
from facekey.store.sealing import KeyRing
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.consents import put_consent
from facekey.store.sql.database import Database
from facekey.store.sql.images import seal_images
from facekey.store.sql.ledger import user_key
from facekey.store.sql.names import Names
from facekey.store.sql.sealed_subjects import (
    UNKNOWN_UID,
    SealedSubject,
    open_sealed,
    read_sealed,
    seal_subject,
)
from facekey.store.sql.snapshot_key import destroy_snapshot_key
from facekey.store.sql.tables import (
    ADDED,
    ERASED,
    adaptation,
    attempts,
    consents,
    gallery_changes,
    images,
    labels,
    outbox,
    spoof_evidence,
    subjects,
    template_history,
    templates,
    voice_templates,
)
from facekey.store.sql.times import text_of, written

OF_A_PERSON = (
    *(templates, template_history, adaptation, voice_templates),
    *(images, consents, labels, spoof_evidence),
)
"""Tables whose rows go with the person."""


class SqlTemplates:
    """Implements `core.ports.subjects.Templates`."""

    def __init__(self, database: Database, ring: KeyRing, audit: SqlAuditLog, decoy: Decoy) -> None:
        """Take the decoy whose sealed form is opened for ids that don't exist."""
        self._database = database
        self._ring = ring
        self._audit = audit
        self._names = audit.names
        self._decoy_template = decoy.template(SubjectId(UNKNOWN_UID))
        self._decoy = seal_subject(ring, self._names, UNKNOWN_UID, self._decoy_template)

    async def add(
        self, template: Template, event: AuditEvent, *, searched: int, beside: Beside = NOTHING
    ) -> Receipt:
        """Store a new person with the audit record of it: both or neither.

        Raises:
            SubjectExists: the id is taken.
            GalleryMoved: somebody was added after the gallery was searched.
            StoreUnavailable: nothing was changed.
        """
        uid = secrets.token_hex(16)
        sealed = seal_subject(self._ring, self._names, uid, template)
        photos = seal_images(self._ring.unwrap(sealed.wrapped_key, uid), uid, beside.photos)

        async def adding(connection: Connection) -> Receipt:
            await _insert(connection, sealed, template, event.at, searched)
            if beside.consent is not None:
                consent = await put_consent(connection, uid, beside.consent, event.at)
                ends = update(subjects).where(subjects.c.uid == uid)
                await connection.execute(ends.values(consent_until=text_of(ends_at([consent]))))
            if photos:
                values = {"subject_uid": uid, "stored_at": written(event.at)}
                await connection.execute(
                    insert(images),
                    [{**values, "number": number, "sealed": blob} for number, blob in enumerate(photos, 1)],
                )
            return await self._audit.append_within(connection, event)

        return await self._database.write(adding)

    async def get(self, subject_id: SubjectId) -> Template | None:
        """The person's template, or None.

        An id that doesn't exist costs the same work: a decoy is opened in its place.

        Raises:
            KeyUnavailable: the template is there but its key is not.
            SealBroken: it was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        found = await self._database.read(
            lambda connection: read_sealed(connection, subjects.c.lookup == self._names.lookup(subject_id))
        )
        if not self._ring.holds(self._decoy.wrapped_key):
            # The root key it was sealed under was retired since; unknown ids must not be told by that.
            self._decoy = seal_subject(self._ring, self._names, UNKNOWN_UID, self._decoy_template)
        template = open_sealed(self._ring, found[0] if found else self._decoy)
        return template if found else None

    async def erase(self, subject_id: SubjectId, event: AuditEvent) -> Receipt:
        """Destroy the person's key and rows, with the audit record of it.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """

        async def erasing(connection: Connection) -> Receipt:
            await _delete(connection, subject_id, self._names)
            return await self._audit.append_within(connection, event)

        receipt = await self._database.write(erasing)
        # The person is gone by now: an erasure that is committed must not be answered with a failure.
        with suppress(StoreUnavailable):
            await self._database.forget_deleted()
        return receipt


async def _insert(
    connection: Connection, sealed: SealedSubject, template: Template, at: datetime, searched: int
) -> None:
    later = select(gallery_changes.c.sequence).where(
        gallery_changes.c.kind == ADDED, gallery_changes.c.sequence > searched
    )
    row = insert(subjects).values(
        uid=sealed.uid,
        lookup=sealed.lookup,
        sealed_id=sealed.sealed_id,
        enrolled_at=written(at),
        samples=_samples(template.references),
        wrapped_key=sealed.wrapped_key,
        template_version=sealed.revision,
    )
    try:
        await connection.execute(row)
    except IntegrityError as error:
        # Only here does a broken rule mean that the id is taken; anywhere else the store is at fault.
        raise SubjectExists(template.subject_id) from error
    # The write lock is held: nobody can be added between this look and the commit.
    if (await connection.execute(later.limit(1))).first() is not None:
        raise GalleryMoved("somebody else was enrolled at the same moment; try again")
    await connection.execute(
        insert(templates),
        [{"subject_uid": sealed.uid, "model": model, "sealed": blob} for model, blob in sealed.blobs],
    )
    await connection.execute(insert(gallery_changes).values(kind=ADDED, subject_uid=sealed.uid))


async def _delete(connection: Connection, subject_id: SubjectId, names: Names) -> None:
    """Remove every row of a person, and every row that names one."""
    query = select(subjects.c.uid).where(subjects.c.lookup == names.lookup(subject_id))
    uid: str | None = (await connection.execute(query)).scalar_one_or_none()
    if uid is None:
        raise SubjectUnknown(subject_id)
    for table in OF_A_PERSON:
        await connection.execute(delete(table).where(table.c.subject_uid == uid))
    await connection.execute(delete(subjects).where(subjects.c.uid == uid))
    await connection.execute(delete(attempts).where(attempts.c.key == user_key(subject_id, names.key)))
    for name in (names.pseudonym(subject_id), json.dumps(subject_id)):
        await connection.execute(delete(outbox).where(outbox.c.payload.contains(name, autoescape=True)))
    await destroy_snapshot_key(connection)
    await connection.execute(insert(gallery_changes).values(kind=ERASED, subject_uid=uid))


def _samples(references: Sequence[References]) -> int:
    return max(len(item.vectors) for item in references)
