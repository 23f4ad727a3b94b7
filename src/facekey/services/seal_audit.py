"""Seal audit: a log that an older version wrote gets a head, once, by an operator's decision.

Never done by itself: whoever removed the head of a log that was cut would then have it sealed.
"""

from facekey.core.audit import AuditEvent, ChainCheck, Head
from facekey.core.caller import Caller
from facekey.core.ports.audit import AuditSeal, AuditTrail
from facekey.core.ports.clocks import Clock


class SealAudit:
    """Seals where the log ends now."""

    def __init__(self, *, trail: AuditTrail, seal: AuditSeal, clock: Clock) -> None:
        """Take the log to look at and the one to write to."""
        self._trail = trail
        self._seal = seal
        self._clock = clock

    async def __call__(self, *, caller: Caller) -> Head:
        """Check every link, seal the end, and put that on record; give what was sealed.

        Raises:
            AuditBroken: the chain doesn't add up, or has a sealed head already.
            StoreUnavailable: nothing was sealed.
        """
        check = ChainCheck()
        async for record in self._trail.records():
            check.take(record)
        head = check.end()
        at = self._clock.now()
        event = AuditEvent(
            "seal_audit", caller.actor, None, "sealed", "asked", at, {"records": head.sequence}
        )
        await self._seal.seal(head, event)
        return head
