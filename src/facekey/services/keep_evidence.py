"""Keep evidence: what a suspected spoof looked like, for operators.

It is made after the decision is on record and its answer on the way. In the decision's own
transaction the depth network would stand between a client and its answer, and a picture that
can't be drawn or stored would void a decision that needs neither. What is lost with the process
in between, or left out under load, is evidence, and no decision.
"""

import asyncio

import structlog

from facekey.core.errors import FaceKeyError
from facekey.core.ports.spoofs import SpoofArtist, SpoofStore
from facekey.core.spoofs import SpoofCase

MOST_AT_ONCE = 4
"""Further ones are left out: whoever sends many spoofs must not fill memory and workers with them."""

log = structlog.get_logger(__name__)


class KeepEvidence:
    """Implements `core.ports.spoofs.SpoofWitness`, in the background."""

    def __init__(self, *, artist: SpoofArtist, store: SpoofStore) -> None:
        """Take who draws it and where it lies."""
        self._artist = artist
        self._store = store
        self._running: set[asyncio.Task[None]] = set()

    def keep(self, case: SpoofCase) -> None:
        """Begin to keep it; the log of the service says when something is left out."""
        if not case.image:
            return
        if len(self._running) >= MOST_AT_ONCE:
            log.warning("spoof_evidence_left_out", sequence=case.sequence, cause="too many at once")
            return
        task = asyncio.create_task(self._keep(case))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Wait until nothing is being kept any more."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _keep(self, case: SpoofCase) -> None:
        try:
            # Also for ids of nobody: what it costs must not tell who is enrolled.
            drawn = await self._artist.draw(case.image)
            if case.known and (drawn.depth is not None or drawn.photo is not None):
                await self._store.add(case, drawn)
        except FaceKeyError as error:
            log.warning("spoof_evidence_left_out", sequence=case.sequence, cause=str(error))
        except Exception as error:
            # Nobody waits for this task: a defect in it would be noticed by nobody.
            log.error("defect", work="spoof_evidence", error=type(error).__name__, exc_info=error)  # noqa: TRY400
