"""Enrolled people in the database: sealed templates, and the directory without them."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.audit import AuditEvent
from facekey.core.consent import ends_at
from facekey.core.errors import GalleryMoved, StoreUnavailable, SubjectExists, SubjectUnknown
from facekey.core.ports.audit import Receipt
from facekey.core.ports.subjects import NOTHING, Beside, Decoy
from facekey.core.types import ModelId, References, Subject, SubjectId, Template
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.consents import put_consent
from facekey.store.sql.database import Database
from facekey.store.sql.ledger import user_key
from facekey.store.sql.names import Names, open_id, seal_id
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
    subjects,
    template_history,
    templates,
)
from facekey.store.sql.times import text_of, time_of
from facekey.store.template_format import Place

UNKNOWN_UID = "unknown"
OF_A_PERSON = (templates, template_history, adaptation, images, consents, labels)
"""Tables whose rows go with the person."""


@dataclass(frozen=True, slots=True)
class SealedSubject:
    """A person's rows as they are stored."""

    uid: str
    lookup: str
    sealed_id: bytes
    revision: int
    wrapped_key: bytes
    blobs: tuple[tuple[str, bytes], ...]
    consent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a listing takes of a person's row, still sealed."""

    uid: str
    lookup: str
    sealed_id: bytes
    wrapped_key: bytes
    enrolled_at: datetime
    samples: int
    models: tuple[ModelId, ...]


class SqlTemplates:
    """Implements `core.ports.subjects.Templates`."""

    def __init__(self, database: Database, ring: KeyRing, audit: SqlAuditLog, decoy: Decoy) -> None:
        """Take the decoy whose sealed form is opened for ids that don't exist."""
        self._database = database
        self._ring = ring
        self._audit = audit
        self._names = audit.names
        self._decoy_template = decoy.template(SubjectId(UNKNOWN_UID))
        self._decoy = _seal(ring, self._names, UNKNOWN_UID, self._decoy_template)

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
        sealed = _seal(self._ring, self._names, uid, template)
        photos = _seal_photos(self._ring.unwrap(sealed.wrapped_key, uid), uid, beside.photos)

        async def adding(connection: AsyncConnection) -> Receipt:
            await _insert(connection, sealed, template, event.at, searched)
            if beside.consent is not None:
                consent = await put_consent(connection, uid, beside.consent, event.at)
                ends = update(subjects).where(subjects.c.uid == uid)
                await connection.execute(ends.values(consent_until=text_of(ends_at([consent]))))
            if photos:
                values = {"subject_uid": uid, "stored_at": event.at.isoformat(timespec="milliseconds")}
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
            self._decoy = _seal(self._ring, self._names, UNKNOWN_UID, self._decoy_template)
        template = open_sealed(self._ring, found[0] if found else self._decoy)
        return template if found else None

    async def erase(self, subject_id: SubjectId, event: AuditEvent) -> Receipt:
        """Destroy the person's key and rows, with the audit record of it.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """

        async def erasing(connection: AsyncConnection) -> Receipt:
            await _delete(connection, subject_id, self._names)
            return await self._audit.append_within(connection, event)

        receipt = await self._database.write(erasing)
        # The person is gone by now: an erasure that is committed must not be answered with a failure.
        with suppress(StoreUnavailable):
            await self._database.forget_deleted()
        return receipt


class SqlDirectory:
    """Implements `core.ports.subjects.Directory`."""

    def __init__(self, database: Database, ring: KeyRing, names: Names) -> None:
        """Take the keys that ids are sealed with, and found by."""
        self._database = database
        self._ring = ring
        self._names = names

    async def find(self, subject_id: SubjectId) -> Subject | None:
        """One person, or None.

        Raises:
            KeyUnavailable, SealBroken: the row can't be opened.
            StoreUnavailable: the database did not answer.
        """
        found = await self._list(subjects.c.lookup == self._names.lookup(subject_id), limit=1)
        return found[0] if found else None

    async def page(self, *, after: SubjectId | None, limit: int) -> list[Subject]:
        """People in a fixed order, which is that of no property of theirs, from the one after `after`.

        Raises:
            KeyUnavailable, SealBroken: a row can't be opened.
            StoreUnavailable: the database did not answer.
        """
        begin = "" if after is None else self._names.lookup(after)
        return await self._list(subjects.c.lookup > begin, limit=limit)

    async def count(self) -> int:
        """How many people are enrolled."""
        return await self._database.read(_count)

    async def _list(self, condition: ColumnElement[bool], *, limit: int) -> list[Subject]:
        rows = await self._database.read(lambda connection: _listed(connection, condition, limit=limit))
        return [_subject(self._ring, row) for row in rows]


async def _count(connection: AsyncConnection) -> int:
    counted = await connection.execute(select(func.count()).select_from(subjects))
    total: int = counted.scalar_one()
    return total


async def read_sealed(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[SealedSubject]:
    """The rows of everybody who meets the condition, still sealed."""
    rows = (
        await connection.execute(
            select(
                subjects.c.uid,
                subjects.c.lookup,
                subjects.c.sealed_id,
                subjects.c.template_version,
                subjects.c.wrapped_key,
                subjects.c.consent_until,
                templates.c.model,
                templates.c.sealed,
            )
            .join(templates, templates.c.subject_uid == subjects.c.uid)
            .where(condition)
            .order_by(subjects.c.uid, templates.c.model)
        )
    ).all()
    grouped = {uid: list(group) for uid, group in groupby(rows, key=lambda row: row.uid)}
    return [
        SealedSubject(
            uid,
            group[0].lookup,
            group[0].sealed_id,
            group[0].template_version,
            group[0].wrapped_key,
            tuple((row.model, row.sealed) for row in group),
            time_of(group[0].consent_until),
        )
        for uid, group in grouped.items()
    ]


def open_sealed(ring: KeyRing, sealed: SealedSubject) -> Template:
    """Open a person's templates.

    Raises:
        KeyUnavailable: a root key that is not at hand wrapped the person's.
        SealBroken: a row was changed or swapped with another.
    """
    seal = ring.unwrap(sealed.wrapped_key, sealed.uid)
    subject_id = open_id(seal, sealed.sealed_id, uid=sealed.uid, lookup=sealed.lookup)
    place = Place(sealed.uid, subject_id, sealed.revision)
    return Template(
        subject_id,
        tuple(place.open(seal, blob, ModelId(model)) for model, blob in sealed.blobs),
        sealed.consent_until,
        sealed.uid,
    )


def _seal(ring: KeyRing, names: Names, uid: str, template: Template) -> SealedSubject:
    seal, wrapped = ring.new_data_key(uid)
    place = Place(uid, template.subject_id)
    lookup = names.lookup(template.subject_id)
    return SealedSubject(
        uid,
        lookup,
        seal_id(seal, template.subject_id, uid=uid, lookup=lookup),
        place.revision,
        wrapped,
        tuple((references.model, place.seal(seal, references)) for references in template.references),
    )


async def _insert(
    connection: AsyncConnection, sealed: SealedSubject, template: Template, at: datetime, searched: int
) -> None:
    later = select(gallery_changes.c.sequence).where(
        gallery_changes.c.kind == ADDED, gallery_changes.c.sequence > searched
    )
    row = insert(subjects).values(
        uid=sealed.uid,
        lookup=sealed.lookup,
        sealed_id=sealed.sealed_id,
        enrolled_at=at.isoformat(timespec="milliseconds"),
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


async def _delete(connection: AsyncConnection, subject_id: SubjectId, names: Names) -> None:
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
    await connection.execute(insert(gallery_changes).values(kind=ERASED, subject_uid=uid))


def seal_image(seal: Seal, image: bytes, *, uid: str, number: int) -> bytes:
    """A photo as it is stored."""
    return seal.close(image, "image", uid, str(number))


def open_image(seal: Seal, sealed: bytes, *, uid: str, number: int) -> bytes:
    """A stored photo.

    Raises:
        SealBroken: it was changed, or is another person's.
    """
    return seal.open(sealed, "image", uid, str(number))


def _seal_photos(seal: Seal, uid: str, photos: Sequence[bytes]) -> list[bytes]:
    return [seal_image(seal, photo, uid=uid, number=number) for number, photo in enumerate(photos, 1)]


def _samples(references: Sequence[References]) -> int:
    return max(len(item.vectors) for item in references)


async def _listed(
    connection: AsyncConnection, condition: ColumnElement[bool], *, limit: int
) -> list[_Listed]:
    rows = (
        await connection.execute(select(subjects).where(condition).order_by(subjects.c.lookup).limit(limit))
    ).all()
    models: dict[str, list[ModelId]] = {row.uid: [] for row in rows}
    for uid, model in await connection.execute(
        select(templates.c.subject_uid, templates.c.model)
        .where(templates.c.subject_uid.in_(models))
        .order_by(templates.c.model)
    ):
        models[uid].append(ModelId(model))
    return [
        _Listed(
            row.uid,
            row.lookup,
            row.sealed_id,
            row.wrapped_key,
            datetime.fromisoformat(row.enrolled_at),
            row.samples,
            tuple(models[row.uid]),
        )
        for row in rows
    ]


def _subject(ring: KeyRing, row: _Listed) -> Subject:
    seal = ring.unwrap(row.wrapped_key, row.uid)
    subject_id = open_id(seal, row.sealed_id, uid=row.uid, lookup=row.lookup)
    return Subject(subject_id, row.enrolled_at, row.samples, row.models)
