"""Everybody who is enrolled, in an index that all services share.

The index finds the few who come into question; they are then compared exactly, with
their templates opened for this one search. Between searches no template is in memory.
"""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import func, select

from facekey.core.errors import StoreUnavailable
from facekey.core.matching import Matcher
from facekey.core.ports.gallery import Candidate, Search
from facekey.core.types import Embedding
from facekey.store.index.pgvector import PgVectorIndex
from facekey.store.sealing import KeyRing
from facekey.store.shared_index import SharedIndex
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.sealed_subjects import open_sealed, read_sealed
from facekey.store.sql.tables import subjects
from facekey.store.turning import Turning

SHORTLIST = 32
"""With several networks each nominates this many; the fused evidence orders them."""

TRIES = 5


class SharedGallery:
    """Implements `core.ports.gallery.Gallery` over pgvector."""

    def __init__(self, database: Database, ring: KeyRing, matcher: Matcher, index: SharedIndex) -> None:
        """Take an index of this database."""
        self._database = database
        self._ring = ring
        self._matcher = matcher
        self._index = index
        self._rows = PgVectorIndex()
        self._size = 0
        self._nbytes = 0

    @property
    def size(self) -> int:
        """People, as of the last time that somebody counted."""
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes of the index in the database, as of the last refresh."""
        return self._nbytes

    @property
    def kind(self) -> str:
        """What is searched."""
        return "pgvector"

    async def refresh(self) -> int:
        """Take in all changes committed so far; give the number of people.

        Raises:
            KeyUnavailable: a template can't be opened with the keys at hand.
            SealBroken: a template was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        await self._index.catch_up()
        self._size, self._nbytes = await self._database.read(self._measured)
        return self._size

    async def search(self, probe: Sequence[Embedding], *, top_k: int) -> Search:
        """The enrolled people most like the probe, best first.

        Raises:
            StoreUnavailable: it can't be known whether the index is current.
            KeyUnavailable, SealBroken: a template can't be opened.
        """
        for _ in range(TRIES):
            turning = await self._index.catch_up()
            found = await self._database.read(
                partial(self._search, probe=probe, top_k=top_k, turning=turning)
            )
            if found is not None:
                self._size = found.gallery_size
                return found
        raise StoreUnavailable("the index is being built anew; try again")

    async def _measured(self, connection: Connection) -> tuple[int, int]:
        """People, and bytes of their index, of one moment."""
        return await _count(connection), await self._rows.nbytes(connection)

    async def _search(
        self, connection: Connection, *, probe: Sequence[Embedding], top_k: int, turning: Turning
    ) -> Search | None:
        """Search in one moment of the database; None when the rows are another key's by then."""
        state = await self._rows.state(connection)
        if state is None or state.turning_key != turning.key_id:
            return None
        nominated: dict[str, None] = {}
        for embedding in probe:
            if embedding.model in self._matcher.models:
                count = max(top_k, SHORTLIST)
                found = await self._rows.nearest(connection, embedding, turning, count)
                nominated.update(dict.fromkeys(found))
        people = await read_sealed(connection, subjects.c.uid.in_(list(nominated))) if nominated else []
        opened = [open_sealed(self._ring, sealed) for sealed in people]
        candidates = [
            Candidate(template.subject_id, self._matcher.compare(probe, template), template.consent_until)
            for template in opened
        ]
        candidates.sort(key=lambda candidate: candidate.match.evidence, reverse=True)
        return Search(tuple(candidates[:top_k]), await _count(connection), state.seen)


async def _count(connection: Connection) -> int:
    counted: int = (await connection.execute(select(func.count()).select_from(subjects))).scalar_one()
    return counted
