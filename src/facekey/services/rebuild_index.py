"""Rebuild the index that services share, and revoke what was in it before."""

from collections.abc import Callable

from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.ports.clocks import Clock
from facekey.core.ports.gallery import RenewableIndex


class RebuildIndex:
    """Empties the shared index and fills it from the sealed templates, while the service runs."""

    def __init__(self, *, index: RenewableIndex, clock: Clock) -> None:
        """Take the index."""
        self._index = index
        self._clock = clock

    async def __call__(self, *, new_key: bool, caller: Caller, report: Callable[[int, int], None]) -> int:
        """Rebuild, on record; give the number of people in the index.

        Args:
            new_key: turn the vectors by a new key. What was turned by the old one, stolen
                copies and backups included, compares with nothing from then on.
            caller: who wants it.
            report: takes the number of changes that are in the index, and of all there were.

        Raises:
            KeyUnavailable, SealBroken: a template can't be opened; searches fail the same way.
            StoreUnavailable: the database did not answer.
        """
        outcome = "revoked" if new_key else "rebuilt"
        event = AuditEvent("index_rebuild", caller.actor, None, outcome, "requested", self._clock.now(), {})
        return await self._index.rebuild(new_key=new_key, event=event, report=report)
