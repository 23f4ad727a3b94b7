"""Unlock: an operator lifts an attempt limit."""

from facekey.core.attempts import Claim
from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.ports.attempts import Locks
from facekey.core.ports.clocks import Clock


class Unlock:
    """Forgets the failures of one user or one address."""

    def __init__(self, *, locks: Locks, clock: Clock) -> None:
        """Take where failures are counted."""
        self._locks = locks
        self._clock = clock

    async def __call__(self, claim: Claim, *, caller: Caller) -> bool:
        """Forget and record; False when there was nothing to forget.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        kinds = {"user": claim.subject_id, "address": claim.address, "operator": claim.operator}
        kind = next(kind for kind, named in kinds.items() if named is not None)
        event = AuditEvent(
            "unlock", caller.actor, claim.subject_id, "done", "asked", self._clock.now(), {"of": kind}
        )
        return await self._locks.unlock(claim, event)
