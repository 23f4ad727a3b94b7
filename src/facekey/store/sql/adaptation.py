"""Templates that change, in the database: what they change by, and what they were before.

A refresh, a return or an undoing is one transaction: new rows of the template under the
next version, the old ones beside them, what is remembered, and the audit record. Versions
only grow, and each blob is bound to its own, so an old row put back by hand doesn't open.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from facekey.core.adaptation import Course
from facekey.core.errors import SubjectUnknown, TemplateMoved
from facekey.core.ports.adaptation import Direction, Learned, Step
from facekey.core.types import SubjectId, Template
from facekey.store.course_format import pack_course, unpack_course
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.sealed_subjects import UNKNOWN_UID, SealedSubject, open_sealed, read_sealed
from facekey.store.sql.tables import adaptation, subjects, template_history, templates
from facekey.store.sql.times import written
from facekey.store.template_format import Place

MOST_EARLIER = 5  # versions that can be returned to; the enrolment itself is in every one of them


class SqlAdaptations:
    """Implements `core.ports.adaptation.Adaptations` and `EarlierVersions`."""

    def __init__(self, database: Database, ring: KeyRing, audit: SqlAuditLog) -> None:
        """Take the database, its keys, and where changes go on record."""
        self._database = database
        self._ring = ring
        self._audit = audit
        seal, wrapped = ring.new_data_key(UNKNOWN_UID)
        place = Place(UNKNOWN_UID, UNKNOWN_UID)
        self._decoy = wrapped, _close(seal, place, Course())

    async def course(self, subject_id: SubjectId) -> Course:
        """What is remembered of a person's attempts.

        For an unknown id, and for a person of whom nothing is remembered, a decoy is opened in
        its place.

        Raises:
            KeyUnavailable: it is there but its key is not.
            SealBroken: it was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        row = await self._database.read(lambda connection: _course_row(connection, self._whose(subject_id)))
        if row is None:
            wrapped, blob = self._decoy
            if not self._ring.holds(wrapped):
                return Course()  # its root key was retired since; the next start makes another
            return _open(self._ring.unwrap(wrapped, UNKNOWN_UID), Place(UNKNOWN_UID, UNKNOWN_UID), blob)
        uid, version, wrapped, blob = row
        return _open(self._ring.unwrap(wrapped, uid), Place(uid, subject_id, version), blob)

    async def get(self, subject_id: SubjectId) -> Learned:
        """All that is stored of a person.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: as for `course`.
        """

        async def reading(connection: Connection) -> Learned:
            sealed = await _sealed(connection, self._whose(subject_id))
            if sealed is None:
                raise SubjectUnknown(subject_id)
            blob = (
                await connection.execute(
                    select(adaptation.c.sealed).where(adaptation.c.subject_uid == sealed.uid)
                )
            ).scalar_one_or_none()
            earlier = await connection.execute(
                select(template_history.c.version)
                .where(template_history.c.subject_uid == sealed.uid)
                .distinct()
                .order_by(template_history.c.version)
            )
            place = Place(sealed.uid, subject_id, sealed.revision)
            seal = self._ring.unwrap(sealed.wrapped_key, sealed.uid)
            return Learned(
                subject_id,
                sealed.revision,
                open_sealed(self._ring, sealed),
                Course() if blob is None else _open(seal, place, bytes(blob)),
                tuple(earlier.scalars()),
                None if blob is None else bytes(blob),
            )

        return await self._database.read(reading)

    async def latest(self, learned: Learned) -> Template:
        """The template before this one.

        Raises:
            TemplateMoved: there is none (any more).
            KeyUnavailable, SealBroken, StoreUnavailable: as for `course`.
        """

        async def reading(connection: Connection) -> Template:
            sealed = await _sealed(connection, self._whose(learned.subject_id))
            if sealed is None or sealed.revision != learned.version or not learned.earlier:
                raise TemplateMoved
            version = learned.earlier[-1]
            rows = await connection.execute(
                select(template_history.c.model, template_history.c.sealed)
                .where(template_history.c.subject_uid == sealed.uid, template_history.c.version == version)
                .order_by(template_history.c.model)
            )
            blobs = tuple((row.model, bytes(row.sealed)) for row in rows)
            return open_sealed(self._ring, replace(sealed, revision=version, blobs=blobs))

        return await self._database.read(reading)

    async def put(self, learned: Learned, course: Course, step: Step | None, *, at: datetime) -> None:
        """Replace what is remembered and, with a step, the template.

        Raises:
            TemplateMoved: it was changed or erased since it was read; nothing is written.
            KeyUnavailable, SealBroken: the person's key can't be opened; nothing is written.
            StoreUnavailable: nothing is written.
        """

        async def putting(connection: Connection) -> None:
            sealed = await _sealed(connection, self._whose(learned.subject_id))
            if sealed is None or sealed.revision != learned.version:
                raise TemplateMoved
            seal = self._ring.unwrap(sealed.wrapped_key, sealed.uid)
            version = learned.version if step is None else learned.version + 1
            place = Place(sealed.uid, learned.subject_id, version)
            await _replace_course(connection, sealed.uid, learned.mark, _close(seal, place, course), at)
            if step is not None:
                await _replace_template(connection, sealed, learned, step, seal=seal, place=place, at=at)
                await self._audit.append_within(connection, step.event)

        await self._database.write(putting)

    def _whose(self, subject_id: SubjectId) -> ColumnElement[bool]:
        return subjects.c.lookup == self._audit.names.lookup(subject_id)


async def _replace_course(
    connection: Connection, uid: str, before: bytes | None, blob: bytes, at: datetime
) -> None:
    values = {"sealed": blob, "updated_at": written(at)}
    if before is None:
        try:
            await connection.execute(insert(adaptation).values(subject_uid=uid, **values))
        except IntegrityError as error:
            raise TemplateMoved from error
        return
    # Each blob has a nonce of its own: the same bytes are the same moment.
    swapped = await connection.execute(
        update(adaptation)
        .where(adaptation.c.subject_uid == uid, adaptation.c.sealed == before)
        .values(**values)
    )
    if swapped.rowcount != 1:
        raise TemplateMoved


async def _replace_template(
    connection: Connection,
    sealed: SealedSubject,
    learned: Learned,
    step: Step,
    *,
    seal: Seal,
    place: Place,
    at: datetime,
) -> None:
    of_person = template_history.c.subject_uid == sealed.uid
    if step.direction is Direction.ON:
        await connection.execute(
            insert(template_history),
            [
                {
                    "subject_uid": sealed.uid,
                    "version": sealed.revision,
                    "model": model,
                    "sealed": blob,
                    "replaced_at": written(at),
                }
                for model, blob in sealed.blobs
            ],
        )
        kept = (*learned.earlier, sealed.revision)[-MOST_EARLIER:]
        await connection.execute(
            delete(template_history).where(of_person, template_history.c.version < kept[0])
        )
    elif step.direction is Direction.BACK:
        await connection.execute(
            delete(template_history).where(of_person, template_history.c.version >= learned.earlier[-1])
        )
    else:
        await connection.execute(delete(template_history).where(of_person))
    await connection.execute(delete(templates).where(templates.c.subject_uid == sealed.uid))
    await connection.execute(
        insert(templates),
        [
            {"subject_uid": sealed.uid, "model": one.model, "sealed": place.seal(seal, one)}
            for one in step.template.references
        ],
    )
    await connection.execute(
        update(subjects).where(subjects.c.uid == sealed.uid).values(template_version=place.revision)
    )


async def _sealed(connection: Connection, whose: ColumnElement[bool]) -> SealedSubject | None:
    found = await read_sealed(connection, whose)
    return found[0] if found else None


async def _course_row(
    connection: Connection, whose: ColumnElement[bool]
) -> tuple[str, int, bytes, bytes] | None:
    row = (
        await connection.execute(
            select(subjects.c.uid, subjects.c.template_version, subjects.c.wrapped_key, adaptation.c.sealed)
            .join(adaptation, adaptation.c.subject_uid == subjects.c.uid)
            .where(whose)
        )
    ).first()
    return None if row is None else (row[0], row[1], bytes(row[2]), bytes(row[3]))


def _close(seal: Seal, place: Place, course: Course) -> bytes:
    return seal.close(pack_course(course), *_context(place))


def _open(seal: Seal, place: Place, blob: bytes) -> Course:
    return unpack_course(seal.open(blob, *_context(place)))


def _context(place: Place) -> tuple[str, ...]:
    return "adaptation", place.uid, place.user_id, str(place.revision)
