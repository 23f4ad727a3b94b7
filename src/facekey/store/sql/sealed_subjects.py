"""A person as they are stored: their rows, still sealed."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, select

from facekey.core.types import ModelId, Template
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.names import Names, open_id, seal_id
from facekey.store.sql.tables import subjects, templates
from facekey.store.sql.times import time_of
from facekey.store.template_format import Place

UNKNOWN_UID = "unknown"


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


async def read_sealed(connection: Connection, condition: ColumnElement[bool]) -> list[SealedSubject]:
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


def seal_subject(ring: KeyRing, names: Names, uid: str, template: Template) -> SealedSubject:
    """A new person as they are stored, under a key of their own."""
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
