"""Verify a voice: is this the claimed person's? The answer lets nobody in."""

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller
from facekey.core.errors import SampleRejected
from facekey.core.ports.attempts import Ledger
from facekey.core.ports.clocks import Clock
from facekey.core.ports.measures import UNMEASURED, Decided, Meter
from facekey.core.types import Outcome, Reason, SubjectId, VoiceFinding
from facekey.services.timed import COMPARE, RECORD, timed
from facekey.services.voice_step import VoiceStep

ACTION = "verify_voice"
NO_VOICE = "no_voice_enrolled"
"""On record in place of a comparison; the client sees an ordinary `voice_no_match`."""


class VerifyVoice:
    """One recording, one claimed person, one finding."""

    def __init__(self, *, step: VoiceStep, ledger: Ledger, clock: Clock, meter: Meter = UNMEASURED) -> None:
        """Take what listens and compares, and where attempts are counted."""
        self._step = step
        self._ledger = ledger
        self._clock = clock
        self._meter = meter

    async def __call__(self, subject_id: SubjectId, recording: bytes, *, caller: Caller) -> VoiceFinding:
        """Compare, record, and only then answer.

        (1) admit the attempt, (2) listen, (3) compare, with a stand-in where there is nobody,
        (4) write the audit record and count a failure. A match counts for nothing: it takes back
        no failure of the face's, and nobody was seen.

        Raises:
            AttemptsExhausted: too many attempts on this id, or from this address, failed.
            AudioRefused: the bytes are no recording that can be read.
            Unavailable: nothing was compared, or it could not be recorded.
        """
        # (1)
        claim = Claim(subject_id, caller.address)
        await self._ledger.admit(claim, at=self._clock.now())
        # (2) Before anybody is looked up, so that an unknown id takes about as long as a known one.
        try:
            heard = await self._step.listen(recording)
        except SampleRejected as rejection:
            finding = self._step.policy.unheard(rejection.reason)
            await self._settle(claim, finding, Outcome.RETRY, caller, on_record=rejection.reason, details={})
            return finding
        # (3)
        with timed(self._meter, COMPARE):
            weighed = await self._step.weigh(subject_id, heard)
        policy = self._step.policy
        finding = (policy.judge if weighed.enrolled else policy.judge_unclaimed)(weighed.evidence)
        # (4)
        matched = finding.reason is Reason.VOICE_MATCH
        await self._settle(
            claim,
            finding,
            Outcome.ACCEPT if matched else Outcome.REJECT,
            caller,
            on_record=finding.reason if weighed.enrolled else NO_VOICE,
            details={
                "voice_evidence": round(weighed.evidence, 4),
                "speech_s": round(heard.speech_s, 2),
                "snr_db": round(heard.snr_db, 1),
                "models": heard.embedding.model,
                "told": str(finding.reason),
            },
        )
        return finding

    async def _settle(
        self,
        claim: Claim,
        finding: VoiceFinding,
        outcome: Outcome,
        caller: Caller,
        *,
        on_record: str,
        details: dict[str, AuditValue],
    ) -> None:
        at = self._clock.now()
        event = AuditEvent(ACTION, caller.actor, claim.subject_id, outcome, str(on_record), at, details)
        result = Result.FAILURE if outcome is Outcome.REJECT else Result.NEITHER
        with timed(self._meter, RECORD):
            await self._ledger.settle(event, claim, result)
        self._meter.decided(Decided(ACTION, outcome, finding.reason, finding.confidence))
