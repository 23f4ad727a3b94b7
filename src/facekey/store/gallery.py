"""Everybody who is enrolled, decrypted in memory and kept current.

The database keeps a log of additions and erasures; before every search the gallery
reads what is new in it. So each process sees each change that was committed before the
search began, whoever made it, and nothing has to be told to anybody.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.matching import Matcher
from facekey.core.ports.gallery import Candidate, Search
from facekey.core.types import Embedding, References, Template
from facekey.store.index.exact import ExactIndex
from facekey.store.sealing import KeyRing
from facekey.store.sql.database import Database
from facekey.store.sql.sealed_subjects import SealedSubject, open_sealed, read_sealed
from facekey.store.sql.tables import ADDED, gallery_changes, subjects

SHORTLIST = 32
"""With several networks each nominates this many; the fused evidence orders them."""

CHUNK = 500  # keys of one IN clause: SQLite allows more, other databases slow down


@dataclass(frozen=True, slots=True)
class _Changes:
    """What happened since a moment of the log.

    Attributes:
        latest: the last entry.
        from_the_start: everything that is in memory is void.
        touched: everybody who was added or erased.
        added: those of them who are enrolled now.
    """

    latest: int
    from_the_start: bool
    touched: tuple[str, ...]
    added: tuple[SealedSubject, ...]


class MemoryGallery:
    """Implements `core.ports.gallery.Gallery` with exact search."""

    def __init__(self, database: Database, ring: KeyRing, matcher: Matcher) -> None:
        """Start empty; the first search, or `refresh`, loads everybody."""
        self._database = database
        self._ring = ring
        self._matcher = matcher
        self._indexes = {model: ExactIndex(model) for model in matcher.models}
        self._members: dict[str, Template] = {}  # means only: one vector for each network
        self._seen = 0
        self._lock = asyncio.Lock()

    @property
    def size(self) -> int:
        """People, as of the last look at the changes."""
        return len(self._members)

    @property
    def nbytes(self) -> int:
        """Memory of what is searched."""
        return sum(index.nbytes for index in self._indexes.values())

    async def refresh(self) -> int:
        """Take in all changes committed so far; give the number of people.

        Raises:
            KeyUnavailable: a template can't be opened with the keys at hand.
            SealBroken: a template was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        async with self._lock:
            await self._catch_up()
            return len(self._members)

    async def search(self, probe: Sequence[Embedding], *, top_k: int) -> Search:
        """The enrolled people most like the probe, best first.

        Raises:
            StoreUnavailable: it can't be known whether the gallery is current.
            KeyUnavailable, SealBroken: a new template can't be opened.
        """
        async with self._lock:
            await self._catch_up()
            nominated: dict[str, None] = {}
            for embedding in probe:
                index = self._indexes.get(embedding.model)
                if index is not None:
                    nominated.update(dict.fromkeys(index.nearest(embedding, max(top_k, SHORTLIST))))
            candidates = [
                Candidate(
                    self._members[uid].subject_id,
                    self._matcher.compare(probe, self._members[uid]),
                    self._members[uid].consent_until,
                )
                for uid in nominated
            ]
            candidates.sort(key=lambda candidate: candidate.match.evidence, reverse=True)
            return Search(tuple(candidates[:top_k]), len(self._members), self._seen)

    async def _catch_up(self) -> None:
        seen = self._seen
        changes = await self._database.read(lambda connection: _changes(connection, seen))
        # Open everything before touching the index: a template that doesn't open leaves
        # the gallery as it was, and the next search fails the same way.
        opened = {row.uid: _means(open_sealed(self._ring, row)) for row in changes.added}
        if changes.from_the_start:
            for uid in list(self._members):
                self._remove(uid)
        for uid in changes.touched:
            if uid in opened:
                self._put(uid, opened[uid])
            else:
                self._remove(uid)
        self._seen = changes.latest

    def _put(self, uid: str, template: Template) -> None:
        self._members[uid] = template
        for references in template.references:
            if references.model in self._indexes:
                self._indexes[references.model].put(uid, references.centroid())

    def _remove(self, uid: str) -> None:
        self._members.pop(uid, None)
        for index in self._indexes.values():
            index.remove(uid)


async def _changes(connection: AsyncConnection, seen: int) -> _Changes:
    latest = (await connection.execute(select(func.max(gallery_changes.c.sequence)))).scalar_one() or 0
    # A log that has become shorter is another one: the database was restored from a backup.
    from_the_start = latest < seen
    rows = (
        await connection.execute(
            select(gallery_changes.c.kind, gallery_changes.c.subject_uid)
            .where(gallery_changes.c.sequence > (0 if from_the_start else seen))
            .order_by(gallery_changes.c.sequence)
        )
    ).all()
    last_kind = {row.subject_uid: row.kind for row in rows}
    wanted = [uid for uid, kind in last_kind.items() if kind == ADDED]
    added = [
        row
        for start in range(0, len(wanted), CHUNK)
        for row in await read_sealed(connection, subjects.c.uid.in_(wanted[start : start + CHUNK]))
    ]
    return _Changes(latest, from_the_start, tuple(last_kind), tuple(added))


def _means(template: Template) -> Template:
    return Template(
        template.subject_id,
        tuple(References(item.model, item.mean()[np.newaxis]) for item in template.references),
        template.consent_until,
    )
