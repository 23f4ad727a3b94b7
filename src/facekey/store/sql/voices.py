"""Enrolled voices in the database: sealed with the person's own key, apart from the face's templates."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from facekey.core.audit import AuditEvent
from facekey.core.consent import ConsentGiven, ConsentRule, has_lapsed, voice_ends_at
from facekey.core.errors import ConsentMissing, SubjectUnknown
from facekey.core.ports.audit import Receipt
from facekey.core.ports.subjects import Decoy
from facekey.core.types import ModelId, References, SubjectId
from facekey.core.voice import PURPOSE, VoiceTemplate
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.connection import Connection
from facekey.store.sql.consents import consents_of, put_consent
from facekey.store.sql.database import Database
from facekey.store.sql.sealed_subjects import UNKNOWN_UID
from facekey.store.sql.tables import subjects, voice_templates
from facekey.store.sql.times import written
from facekey.store.template_format import pack, unpack

KIND = "voice"


class SqlVoices:
    """Implements `core.ports.voice.Voices`."""

    def __init__(self, database: Database, ring: KeyRing, audit: SqlAuditLog, decoy: Decoy) -> None:
        """Take the stand-in that is opened for those who have no voice."""
        self._database = database
        self._ring = ring
        self._audit = audit
        self._stand_in = decoy.template(SubjectId(UNKNOWN_UID)).references[0]
        self._decoy = self._sealed_decoy()

    async def get(self, subject_id: SubjectId) -> VoiceTemplate | None:
        """The person's voice, or None. Who has none costs the same work: a decoy is opened.

        Raises:
            KeyUnavailable: it is there but its key is not.
            SealBroken: it was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        row, until = await self._database.read(lambda connection: self._read(connection, subject_id))
        if row is None:
            wrapped, blob = self._decoy
            if not self._ring.holds(wrapped):
                # The root key it was sealed under was retired since.
                self._decoy = wrapped, blob = self._sealed_decoy()
            seal = self._ring.unwrap(wrapped, UNKNOWN_UID)
            open_voice(seal, blob, uid=UNKNOWN_UID, user_id=UNKNOWN_UID, model=self._stand_in.model)
            return None
        uid = row.subject_uid
        seal = self._ring.unwrap(bytes(row.wrapped_key), uid)
        references = open_voice(
            seal, bytes(row.sealed), uid=uid, user_id=subject_id, model=ModelId(row.model)
        )
        return VoiceTemplate(subject_id, references, datetime.fromisoformat(row.enrolled_at), until)

    async def put(
        self, voice: VoiceTemplate, event: AuditEvent, *, consent: ConsentGiven | None, rule: ConsentRule
    ) -> Receipt:
        """Keep a voice in the place of the one before, with the audit record of it.

        Raises:
            SubjectUnknown: there is nobody of that id.
            ConsentMissing: no consent to this purpose holds, where the rule or an earlier one asks for it.
            StoreUnavailable: nothing was changed.
        """
        subject_id, references = voice.subject_id, voice.references

        async def putting(connection: Connection) -> Receipt:
            uid, wrapped = await self._key_of(connection, subject_id)
            if consent is not None:
                await put_consent(connection, uid, consent, event.at)
            if has_lapsed(voice_ends_at(await consents_of(connection, uid)), rule, event.at):
                raise ConsentMissing(PURPOSE)
            seal = self._ring.unwrap(wrapped, uid)
            await connection.execute(delete(voice_templates).where(voice_templates.c.subject_uid == uid))
            await connection.execute(
                insert(voice_templates).values(
                    subject_uid=uid,
                    model=references.model,
                    sealed=seal_voice(seal, references, uid=uid, user_id=subject_id),
                    enrolled_at=written(voice.enrolled_at),
                )
            )
            return await self._audit.append_within(connection, event)

        return await self._database.write(putting)

    async def forget(self, subject_id: SubjectId, event: AuditEvent) -> bool:
        """Remove a person's voice, with the audit record of it; False when there was none.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """

        async def forgetting(connection: Connection) -> bool:
            uid, _ = await self._key_of(connection, subject_id)
            gone = await connection.execute(
                delete(voice_templates).where(voice_templates.c.subject_uid == uid)
            )
            await self._audit.append_within(connection, event)
            return bool(gone.rowcount)

        return await self._database.write(forgetting)

    async def _read(
        self, connection: Connection, subject_id: SubjectId
    ) -> tuple[Row[Any] | None, datetime | None]:
        query = (
            select(voice_templates, subjects.c.wrapped_key)
            .join(subjects, subjects.c.uid == voice_templates.c.subject_uid)
            .where(subjects.c.lookup == self._audit.names.lookup(subject_id))
        )
        row: Row[Any] | None = (await connection.execute(query)).first()
        # Asked for those who have none, too.
        uid = UNKNOWN_UID if row is None else row.subject_uid
        return row, voice_ends_at(await consents_of(connection, uid))

    async def _key_of(self, connection: Connection, subject_id: SubjectId) -> tuple[str, bytes]:
        lookup = self._audit.names.lookup(subject_id)
        query = select(subjects.c.uid, subjects.c.wrapped_key).where(subjects.c.lookup == lookup)
        row = (await connection.execute(query)).first()
        if row is None:
            raise SubjectUnknown(subject_id)
        return row.uid, bytes(row.wrapped_key)

    def _sealed_decoy(self) -> tuple[bytes, bytes]:
        seal, wrapped = self._ring.new_data_key(UNKNOWN_UID)
        return wrapped, seal_voice(seal, self._stand_in, uid=UNKNOWN_UID, user_id=UNKNOWN_UID)


def seal_voice(seal: Seal, references: References, *, uid: str, user_id: str) -> bytes:
    """A voice as it is stored; bound to person, id and network."""
    return seal.close(pack(references), KIND, uid, user_id, references.model)


def open_voice(seal: Seal, sealed: bytes, *, uid: str, user_id: str, model: ModelId) -> References:
    """A stored voice.

    Raises:
        SealBroken: it was changed, or is another person's or another network's.
    """
    return unpack(seal.open(sealed, KIND, uid, user_id, model), model)
