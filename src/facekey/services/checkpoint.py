"""Checkpoint: sign where the audit log ends, so that it can't be rewritten unseen up to there."""

import structlog

from facekey.core.audit_statements import AT_ONCE, Checkpoint, CheckpointPolicy
from facekey.core.ports.audit import Checkpoints
from facekey.core.ports.clocks import Clock

log = structlog.get_logger(__name__)


class MakeCheckpoint:
    """Signs checkpoints when they are due; run again and again in the background."""

    def __init__(self, *, checkpoints: Checkpoints, policy: CheckpointPolicy, clock: Clock) -> None:
        """Take where they are kept and how often they are due."""
        self._checkpoints = checkpoints
        self._policy = policy
        self._clock = clock

    async def __call__(self, *, at_once: bool = False) -> Checkpoint | None:
        """Sign, if that is due, and tell the log of the service; None when it wasn't.

        Args:
            at_once: it is due as soon as there is one record more than at the last one.

        Raises:
            AuditBroken: the head isn't the deployment's own; nothing was signed.
            StoreUnavailable: nothing was signed.
        """
        policy = AT_ONCE if at_once else self._policy
        made = await self._checkpoints.write(policy, at=self._clock.now())
        if made is not None:
            # Logs are often kept on another machine: there it is one more witness.
            log.info(
                "audit_checkpoint",
                sequence=made.head.sequence,
                digest=made.head.digest.hex(),
                kid=made.signature.kid,
                signature=made.signature.value.hex(),
                signed_at=made.at.isoformat(timespec="milliseconds"),
            )
        return made
