"""Everybody who is enrolled, searched in this process's memory and kept current.

The database keeps a log of additions and erasures; every search first takes in what is new in
it, and then searches, all in one transaction. So each process sees each change that was committed
before the search began, whoever made it, and nothing has to be told to anybody.

The index finds the few who come into question; they are then compared exactly, with their
templates opened for this one search. Between searches no template is in memory.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from threading import Lock

import structlog
from sqlalchemy import func, select

from facekey.core.matching import Matcher
from facekey.core.ports.gallery import Candidate, Search
from facekey.core.types import Embedding, Template
from facekey.store.index.faces import FaceIndex, Means, SearchPlan
from facekey.store.sealing import KeyRing
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.sealed_subjects import open_sealed, read_sealed
from facekey.store.sql.tables import ADDED, gallery_changes, subjects

log = structlog.get_logger(__name__)

SHORTLIST = 32
"""Each network nominates this many; the fused evidence orders them."""

CHUNK = 500  # entries of the log for each step: so many keys fit into one IN clause
EVERY = 2**62
TOLD_EVERY = 50_000  # entries, while a large gallery is filled
SCAN_ALL = SearchPlan()


class MemoryGallery:
    """Implements `core.ports.gallery.Gallery` over `store.index.faces`."""

    def __init__(
        self, database: Database, ring: KeyRing, matcher: Matcher, plan: SearchPlan = SCAN_ALL
    ) -> None:
        """Start empty; the first search, or `refresh`, loads everybody."""
        self._database = database
        self._ring = ring
        self._matcher = matcher
        self._faces = FaceIndex(matcher.models, plan)
        self._seen = 0
        self._catching_up = Lock()
        self._tending: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """People, as of the last look at the changes."""
        return len(self._faces)

    @property
    def nbytes(self) -> int:
        """Memory of what is searched."""
        return self._faces.nbytes

    @property
    def seen(self) -> int:
        """The last entry of the log of changes that was taken in."""
        return self._seen

    @property
    def faces(self) -> FaceIndex:
        """What is searched, for `store.snapshots`."""
        return self._faces

    def resume(self, seen: int) -> None:
        """Go on from this entry: what `faces` holds is of then."""
        self._seen = seen

    def forget(self) -> None:
        """Begin again from the first entry."""
        self._faces.clear()
        self._seen = 0

    @property
    def kind(self) -> str:
        """What is searched: `exact` or `graph`."""
        return self._faces.kind

    async def refresh(self) -> int:
        """Take in all changes committed so far; give the number of people.

        Raises:
            KeyUnavailable: a template can't be opened with the keys at hand.
            SealBroken: a template was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        told = self._seen
        while True:
            latest = await self._database.read(self._take_in)
            if self._seen >= latest:
                break
            if self._seen - told >= TOLD_EVERY:
                told = self._seen
                log.info("gallery_filling", seen=told, of=latest, people=len(self._faces))
        self._tend_when_due()
        return len(self._faces)

    async def search(self, probe: Sequence[Embedding], *, top_k: int) -> Search:
        """The enrolled people most like the probe, best first.

        Raises:
            StoreUnavailable: it can't be known whether the gallery is current.
            KeyUnavailable, SealBroken: a template can't be opened.
        """
        return await self._database.read(partial(self._search, probe=probe, top_k=top_k))

    async def close(self) -> None:
        """Let what is under way end, and the threads go."""
        if self._tending is not None:
            await asyncio.gather(self._tending, return_exceptions=True)
        self._faces.close()

    async def _search(self, connection: Connection, *, probe: Sequence[Embedding], top_k: int) -> Search:
        """On the thread of a connection, in one moment of the database."""
        latest = await self._take_in(connection, pieces=EVERY)
        nominated = self._faces.nominate(probe, max(top_k, SHORTLIST), best=top_k)
        size = len(self._faces)
        # Who was erased after this moment of the database is named by neither: the index forgets
        # them, or their templates are read here for the last time.
        people = await read_sealed(connection, subjects.c.uid.in_(nominated)) if nominated else []
        opened = [open_sealed(self._ring, sealed) for sealed in people]
        candidates = [
            Candidate(template.subject_id, self._matcher.compare(probe, template), template.consent_until)
            for template in opened
        ]
        candidates.sort(key=lambda candidate: candidate.match.evidence, reverse=True)
        return Search(tuple(candidates[:top_k]), size, latest)

    async def _take_in(self, connection: Connection, pieces: int = 1) -> int:
        """So many pieces of the log; gives its last entry. Once in each transaction."""
        # The moment that the transaction sees begins with its first statement, which is in here:
        # nobody can have taken in an entry that is later than that.
        with self._catching_up:
            query = select(func.max(gallery_changes.c.sequence))
            latest = (await connection.execute(query)).scalar_one() or 0
            if latest < self._seen:
                # A log that has become shorter is another one: the database was restored from a backup.
                self.forget()
            while latest > self._seen and pieces > 0:
                await self._take_in_piece(connection)
                pieces -= 1
            return latest

    async def _take_in_piece(self, connection: Connection) -> None:
        entries = (
            await connection.execute(
                select(gallery_changes)
                .where(gallery_changes.c.sequence > self._seen)
                .order_by(gallery_changes.c.sequence)
                .limit(CHUNK)
            )
        ).all()
        kinds = {entry.subject_uid: entry.kind for entry in entries}
        wanted = [uid for uid, kind in kinds.items() if kind == ADDED]
        # Whoever was erased by a later entry is not found here.
        people = await read_sealed(connection, subjects.c.uid.in_(wanted)) if wanted else []
        # Open everything before touching the index: a template that doesn't open leaves the
        # gallery as it was, and the next search fails the same way.
        opened = {sealed.uid: _means(open_sealed(self._ring, sealed)) for sealed in people}
        self._faces.apply(opened, [uid for uid in kinds if uid not in opened])
        self._seen = entries[-1].sequence

    def _tend_when_due(self) -> None:
        idle = self._tending is None or self._tending.done()
        if idle and (self._faces.unwiped or self._faces.due()):
            self._tending = asyncio.create_task(self._tend())

    async def _tend(self) -> None:
        if self._faces.unwiped:
            await asyncio.to_thread(self._faces.wipe)
        if not self._faces.due():
            return
        log.info("gallery_graph_begun", people=len(self._faces))
        await asyncio.to_thread(self._faces.tend)
        log.info("gallery_graph_ready", people=len(self._faces), index_bytes=self._faces.nbytes)


def _means(template: Template) -> Means:
    return {references.model: references.mean() for references in template.references}
