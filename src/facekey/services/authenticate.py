"""Authenticate (1:1): is the person in front of the camera the one they claim to be?"""

from dataclasses import replace

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller
from facekey.core.consent import ConsentRule, why_absent
from facekey.core.errors import RequestInvalid, SampleRejected
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy
from facekey.core.ports.adaptation import Learning
from facekey.core.ports.attempts import Ledger
from facekey.core.ports.audit import Receipt
from facekey.core.ports.clocks import Clock
from facekey.core.ports.measures import UNMEASURED, Decided, Meter
from facekey.core.ports.shadow import UNSHADOWED, Shadow, ShadowCase
from facekey.core.ports.spoofs import UNWITNESSED, SpoofWitness
from facekey.core.ports.subjects import Decoy, Templates
from facekey.core.ports.vision import Analyzer
from facekey.core.spoofs import SpoofCase
from facekey.core.types import Decision, Evidence, Outcome, Reason, SubjectId
from facekey.services.judge_claim import JudgeClaim, Shown
from facekey.services.timed import COMPARE, LOAD, RECORD, timed
from facekey.services.voice_step import VoiceStep

ACTION = "authenticate"


class Authenticate:
    """One capture, one claimed person, one decision."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        templates: Templates,
        decoy: Decoy,
        matcher: Matcher,
        policy: AuthenticatePolicy,
        ledger: Ledger,
        clock: Clock,
        learning: Learning | None = None,
        consent: ConsentRule = ConsentRule.OPTIONAL,
        meter: Meter = UNMEASURED,
        witness: SpoofWitness = UNWITNESSED,
        voice: VoiceStep | None = None,
        shadow: Shadow = UNSHADOWED,
    ) -> None:
        """Take what the decision needs; `wiring` chooses the implementations."""
        self._analyzer = analyzer
        self._templates = templates
        self._decoy = decoy
        self._matcher = matcher
        self._policy = policy
        self._ledger = ledger
        self._clock = clock
        self._consent = consent
        self._meter = meter
        self._witness = witness
        self._voice = voice
        self._shadow = shadow
        self._judge = JudgeClaim(policy, learning, clock)

    async def __call__(
        self, subject_id: SubjectId, image: bytes, *, caller: Caller, recording: bytes | None = None
    ) -> Decision:
        """Decide, record, and only then answer.

        (0) admit the attempt, (1) analyse the capture, and the recording where there is one, (2) load
        the person's template, (3) compare and decide by the face, and let the voice object where the
        person has one, (4) write the audit record and count a failure, (5) let adaptation learn.

        Raises:
            RequestInvalid: there is a recording, and voice is off.
            AttemptsExhausted: too many attempts on this id, or from this address, failed.
            ImageRefused, AudioRefused: the bytes are no picture or recording that can be read.
            Unavailable: nothing was decided, or the decision could not be recorded and
                was therefore withheld.
        """
        if recording is not None and self._voice is None:
            raise RequestInvalid("voice_off", "voice is switched off here: send no recording")
        # (0) Before any work: whoever is to wait must cost nothing.
        claim = Claim(subject_id, caller.address)
        await self._ledger.admit(claim, at=self._clock.now())

        # (1) Analyse first, so that an unknown id takes about as long as a known one.
        try:
            evidence = await self._analyzer.analyze(image)
            heard = await self._voice.listen(recording) if self._voice and recording is not None else None
        except SampleRejected as rejection:
            decision = self._policy.unjudged(rejection.reason, rejection.quality)
            event = self._event(subject_id, decision, caller, on_record=str(decision.reason), details={})
            await self._settle(event, claim, decision, Result.NEITHER)
            return decision

        # (2) An unknown id is compared with a decoy: callers can't list who is enrolled. It is
        # made for every id, since making it takes time.
        with timed(self._meter, LOAD):
            template = await self._templates.get(subject_id)
            decoy = self._decoy.template(subject_id)
        absent = why_absent(template, self._consent, self._clock.now())
        known = absent is None

        # (3) Compare and decide. Thresholds live in the policy and nowhere else.
        # Whose consent has lapsed isn't compared: to the client they are a stranger, too.
        reference = decoy if template is None or absent is not None else template
        with timed(self._meter, COMPARE):
            judged = await self._judge(
                Shown(
                    subject_id,
                    evidence,
                    anchor=self._matcher.compare(evidence.embeddings, reference),
                    current=self._matcher.compare(evidence.embeddings, reference.current()),
                    known=known,
                    challenged=False,
                )
            )
            decision, of_voice = judged.decision, dict[str, AuditValue]()
            if self._voice is not None and heard is not None:
                weighed = await self._voice.weigh(subject_id, heard)
                decision = self._voice.policy.with_voice(
                    decision, weighed.evidence if weighed.enrolled else None
                )
                of_voice = {"voice": weighed.enrolled, "voice_evidence": round(weighed.evidence, 4)}

        # (4) Durable before anyone can act on it.
        details = {**_details(evidence), **judged.details, **of_voice, "told": str(decision.reason)}
        on_record = absent or str(decision.reason)
        event = self._event(subject_id, decision, caller, on_record=on_record, details=details)
        compared = None if template is None else template.enrolment
        receipt = await self._settle(event, replace(claim, enrolment=compared), decision, result_of(decision))
        if decision.reason is Reason.SPOOF_SUSPECTED:
            self._witness.keep(
                SpoofCase(receipt.sequence, subject_id, event.at, image, known=known, enrolment=compared)
            )

        self._shadow.watch(ShadowCase(image, reference, decoy, judged.decision.reason))

        # (5) Whatever comes of it, the decision stands. A yes that the voice took back teaches nothing.
        if decision.outcome is judged.decision.outcome:
            await self._judge.learn(judged)
        return decision

    async def _settle(self, event: AuditEvent, claim: Claim, decision: Decision, result: Result) -> Receipt:
        with timed(self._meter, RECORD):
            receipt = await self._ledger.settle(event, claim, result)
        self._meter.decided(Decided.of(ACTION, decision))
        return receipt

    def _event(
        self,
        subject_id: SubjectId,
        decision: Decision,
        caller: Caller,
        *,
        on_record: str,
        details: dict[str, AuditValue],
    ) -> AuditEvent:
        at = self._clock.now()
        return AuditEvent(ACTION, caller.actor, subject_id, decision.outcome, on_record, at, details)


def result_of(decision: Decision) -> Result:
    """What a decision counts for."""
    match decision.outcome:
        case Outcome.ACCEPT:
            return Result.SUCCESS
        case Outcome.REJECT:
            return Result.FAILURE
        case Outcome.RETRY:
            return Result.NEITHER


def _details(evidence: Evidence) -> dict[str, AuditValue]:
    return {
        "liveness": round(evidence.liveness.score, 4),
        "quality": round(evidence.quality.overall, 4),
        "models": ",".join(embedding.model for embedding in evidence.embeddings),
    }
