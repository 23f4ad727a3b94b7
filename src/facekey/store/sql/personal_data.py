"""Everything that is kept of one person, out of every table that knows people."""

from datetime import datetime

from sqlalchemy import select

from facekey.core.attempts import Failures
from facekey.core.audit import ChainedRecord
from facekey.core.errors import SubjectUnknown
from facekey.core.ports.privacy import PersonalData, SpoofKept
from facekey.core.types import ModelId, Subject, SubjectId
from facekey.core.voice import VoiceTemplate
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.audit_trail import about
from facekey.store.sql.connection import Connection
from facekey.store.sql.consents import consents_of
from facekey.store.sql.database import Database
from facekey.store.sql.images import open_image
from facekey.store.sql.ledger import read_failures, user_key
from facekey.store.sql.names import Names
from facekey.store.sql.sealed_subjects import open_sealed, read_sealed
from facekey.store.sql.tables import (
    adaptation,
    audit,
    images,
    labels,
    spoof_evidence,
    subjects,
    template_history,
    voice_templates,
)
from facekey.store.sql.times import day_of, time_of
from facekey.store.sql.voices import open_voice


class SqlPersonalRecords:
    """Implements `core.ports.privacy.PersonalRecords`."""

    def __init__(self, database: Database, ring: KeyRing, names: Names) -> None:
        """Take the keys that everything is sealed with."""
        self._database = database
        self._ring = ring
        self._names = names

    async def collect(self, subject_id: SubjectId) -> PersonalData:
        """All that is kept of somebody, at one moment.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken: something of theirs can't be opened.
            StoreUnavailable: the database did not answer.
        """
        return await self._database.read(lambda connection: self._collect(connection, subject_id))

    async def _collect(self, connection: Connection, subject_id: SubjectId) -> PersonalData:
        whose = subjects.c.lookup == self._names.lookup(subject_id)
        found = await read_sealed(connection, whose)
        if not found:
            raise SubjectUnknown(subject_id)
        sealed = found[0]
        row = (await connection.execute(select(subjects).where(whose))).one()
        template = open_sealed(self._ring, sealed)
        seal = self._ring.unwrap(sealed.wrapped_key, sealed.uid)
        earlier = await connection.execute(
            select(template_history.c.version)
            .where(template_history.c.subject_uid == sealed.uid)
            .distinct()
            .order_by(template_history.c.version)
        )
        adapted = select(adaptation.c.updated_at).where(adaptation.c.subject_uid == sealed.uid)
        enrolled_at = datetime.fromisoformat(row.enrolled_at)
        last_seen_on = day_of(row.last_seen_on)
        models = tuple(one.model for one in template.references)
        return PersonalData(
            subject=Subject(subject_id, enrolled_at, row.samples, models, last_seen_on),
            pseudonym=self._names.pseudonym(subject_id),
            last_seen_on=last_seen_on,
            consents=tuple(await consents_of(connection, sealed.uid)),
            failures=await self._failures(connection, subject_id),
            template=template,
            template_version=sealed.revision,
            earlier_versions=tuple(earlier.scalars()),
            adapted_at=time_of((await connection.execute(adapted)).scalar_one_or_none()),
            labels=await _labels(connection, seal, sealed.uid),
            images=await _images(connection, seal, sealed.uid),
            spoofs=await _spoofs(connection, sealed.uid),
            records=await self._records(connection, subject_id),
            voice=await _voice(connection, seal, sealed.uid, subject_id),
        )

    async def _failures(self, connection: Connection, subject_id: SubjectId) -> Failures | None:
        key = user_key(subject_id, self._names.key)
        return (await read_failures(connection, [key])).get(key)

    async def _records(self, connection: Connection, subject_id: SubjectId) -> tuple[ChainedRecord, ...]:
        rows = await connection.execute(
            select(audit).where(about(self._names.pseudonym(subject_id))).order_by(audit.c.sequence)
        )
        return tuple(ChainedRecord(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in rows)


async def _labels(connection: Connection, seal: Seal, uid: str) -> dict[str, str]:
    rows = await connection.execute(
        select(labels.c.attribute, labels.c.sealed)
        .where(labels.c.subject_uid == uid)
        .order_by(labels.c.attribute)
    )
    return {row.attribute: seal.open(bytes(row.sealed), "label", uid, row.attribute).decode() for row in rows}


async def _voice(connection: Connection, seal: Seal, uid: str, subject_id: SubjectId) -> VoiceTemplate | None:
    query = select(voice_templates).where(voice_templates.c.subject_uid == uid)
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    references = open_voice(seal, bytes(row.sealed), uid=uid, user_id=subject_id, model=ModelId(row.model))
    return VoiceTemplate(subject_id, references, datetime.fromisoformat(row.enrolled_at))


async def _images(connection: Connection, seal: Seal, uid: str) -> tuple[bytes, ...]:
    rows = await connection.execute(
        select(images.c.number, images.c.sealed).where(images.c.subject_uid == uid).order_by(images.c.number)
    )
    return tuple(open_image(seal, bytes(row.sealed), uid=uid, number=row.number) for row in rows)


async def _spoofs(connection: Connection, uid: str) -> tuple[SpoofKept, ...]:
    kept = spoof_evidence.c
    rows = await connection.execute(
        select(kept.sequence, kept.taken_at, kept.photo.is_not(None).label("photo"))
        .where(kept.subject_uid == uid)
        .order_by(kept.sequence)
    )
    return tuple(SpoofKept(row.sequence, datetime.fromisoformat(row.taken_at), row.photo) for row in rows)
