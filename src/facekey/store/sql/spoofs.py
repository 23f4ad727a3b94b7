"""Evidence of suspected spoofs, sealed under the key of whoever was claimed, by the decision's record."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Delete, Row, delete, insert, select

from facekey.core.consent import ConsentRule, has_lapsed
from facekey.core.spoofs import MOST_OF_A_PERSON, Drawn, SpoofCase, SpoofEvidence
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.names import Names, open_id
from facekey.store.sql.tables import spoof_evidence, subjects
from facekey.store.sql.times import time_of, written

DEPTH, PHOTO = "spoof depth", "spoof photo"


class SqlSpoofs:
    """Implements `core.ports.spoofs.SpoofStore`."""

    def __init__(self, database: Database, ring: KeyRing, names: Names, rule: ConsentRule) -> None:
        """Take the keys of people; of whom it takes consent to compare, it takes one to keep this."""
        self._database = database
        self._ring = ring
        self._names = names
        self._rule = rule

    async def add(self, case: SpoofCase, drawn: Drawn) -> bool:
        """Keep it, and the newest twenty of this person; False when there is nobody to keep it of.

        Raises:
            KeyUnavailable, SealBroken: the person's key can't be opened.
            StoreUnavailable: it is not kept.
        """
        return await self._database.write(lambda connection: self._add(connection, case, drawn))

    async def kept(self, sequences: Collection[int]) -> frozenset[int]:
        """Those of these decisions that there is evidence of.

        Raises:
            StoreUnavailable: it can't be known now.
        """
        number = spoof_evidence.c.sequence

        async def looking(connection: Connection) -> frozenset[int]:
            return frozenset(
                (await connection.execute(select(number).where(number.in_(sequences)))).scalars()
            )

        return await self._database.read(looking)

    async def find(self, sequence: int) -> SpoofEvidence | None:
        """The evidence of a decision; None when there is none, or not any more.

        Raises:
            KeyUnavailable, SealBroken: it can't be opened.
            StoreUnavailable: it can't be known now.
        """
        query = (
            select(spoof_evidence, subjects.c.lookup, subjects.c.sealed_id, subjects.c.wrapped_key)
            .join(subjects, subjects.c.uid == spoof_evidence.c.subject_uid)
            .where(spoof_evidence.c.sequence == sequence)
        )

        async def finding(connection: Connection) -> Row[Any] | None:
            return (await connection.execute(query)).first()

        row = await self._database.read(finding)
        return None if row is None else self._opened(row)

    def _opened(self, row: Row[Any]) -> SpoofEvidence:
        uid, sequence = row.subject_uid, row.sequence
        seal = self._ring.unwrap(bytes(row.wrapped_key), uid)
        return SpoofEvidence(
            sequence,
            open_id(seal, bytes(row.sealed_id), uid=uid, lookup=row.lookup),
            datetime.fromisoformat(row.taken_at),
            Drawn(_open(seal, row.depth, DEPTH, uid, sequence), _open(seal, row.photo, PHOTO, uid, sequence)),
        )

    async def _add(self, connection: Connection, case: SpoofCase, drawn: Drawn) -> bool:
        found = await connection.execute(
            select(subjects.c.uid, subjects.c.wrapped_key, subjects.c.consent_until).where(
                subjects.c.lookup == self._names.lookup(case.subject_id)
            )
        )
        row = found.one_or_none()
        if row is None or case.enrolment not in (None, row.uid):
            return False
        if has_lapsed(time_of(row.consent_until), self._rule, case.at):
            return False
        seal = self._ring.unwrap(bytes(row.wrapped_key), row.uid)
        await connection.execute(
            insert(spoof_evidence).values(
                sequence=case.sequence,
                subject_uid=row.uid,
                depth=_close(seal, drawn.depth, DEPTH, row.uid, case.sequence),
                photo=_close(seal, drawn.photo, PHOTO, row.uid, case.sequence),
                taken_at=written(case.at),
            )
        )
        await connection.execute(_beyond(row.uid))
        return True


def _beyond(uid: str) -> Delete:
    """Forget all but the newest of a person."""
    of_them = spoof_evidence.c.subject_uid == uid
    newest = (
        select(spoof_evidence.c.sequence)
        .where(of_them)
        .order_by(spoof_evidence.c.sequence.desc())
        .limit(MOST_OF_A_PERSON)
    )
    return delete(spoof_evidence).where(of_them, spoof_evidence.c.sequence.not_in(newest))


def _close(seal: Seal, plain: bytes | None, kind: str, uid: str, sequence: int) -> bytes | None:
    return None if plain is None else seal.close(plain, kind, uid, str(sequence))


def _open(seal: Seal, sealed: bytes | None, kind: str, uid: str, sequence: int) -> bytes | None:
    return None if sealed is None else seal.open(bytes(sealed), kind, uid, str(sequence))
