"""Forget a voice: the recordings' vectors go, the person stays enrolled by face."""

from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.ports.clocks import Clock
from facekey.core.ports.voice import Voices
from facekey.core.types import SubjectId


class ForgetVoice:
    """Removes what is kept of somebody's voice, with a record of it."""

    def __init__(self, *, voices: Voices, clock: Clock) -> None:
        """Take where voices are kept."""
        self._voices = voices
        self._clock = clock

    async def __call__(self, subject_id: SubjectId, *, caller: Caller) -> bool:
        """Remove it; False when there was none.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        at = self._clock.now()
        event = AuditEvent("forget_voice", caller.actor, subject_id, "forgotten", "requested", at, {})
        return await self._voices.forget(subject_id, event)
