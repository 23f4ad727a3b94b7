"""Enrol a voice: a few recordings of somebody who is enrolled by face already."""

from collections.abc import Sequence
from dataclasses import dataclass

from facekey.core.advice import advice
from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.consent import ConsentGiven, ConsentRule
from facekey.core.errors import RegistrationRefused, RequestInvalid, SampleRejected, SubjectUnknown
from facekey.core.ports.audit import AuditLog, Receipt
from facekey.core.ports.clocks import Clock
from facekey.core.ports.measures import UNMEASURED, Decided, Meter
from facekey.core.ports.subjects import Directory
from facekey.core.ports.voice import VoiceAnalyzer, Voices
from facekey.core.types import Reason, SubjectId
from facekey.core.voice import (
    Heard,
    VoiceMatcher,
    VoicePolicy,
    VoiceTemplate,
    judge_recordings,
    references_of,
)
from facekey.services.timed import RECORD, timed

ACTION, ENROLLED, REFUSED = "enrol_voice", "enrolled", "refused"


@dataclass(frozen=True, slots=True)
class VoiceEnrolled:
    """A voice that is now kept.

    Attributes:
        heard: one for each recording, in the order they came.
        receipt: where the audit log has it.
    """

    subject_id: SubjectId
    heard: tuple[Heard, ...]
    receipt: Receipt


class EnrolVoice:
    """Three recordings or more, one voice."""

    def __init__(
        self,
        *,
        analyzer: VoiceAnalyzer,
        directory: Directory,
        voices: Voices,
        matcher: VoiceMatcher,
        policy: VoicePolicy,
        audit: AuditLog,
        clock: Clock,
        consent: ConsentRule = ConsentRule.OPTIONAL,
        meter: Meter = UNMEASURED,
    ) -> None:
        """Take who listens, and where voices are kept."""
        self._analyzer = analyzer
        self._directory = directory
        self._voices = voices
        self._matcher = matcher
        self._policy = policy
        self._audit = audit
        self._clock = clock
        self._consent = consent
        self._meter = meter

    async def __call__(
        self,
        subject_id: SubjectId,
        recordings: Sequence[bytes],
        *,
        caller: Caller,
        consent: ConsentGiven | None = None,
    ) -> VoiceEnrolled:
        """Judge the recordings, keep the voice with its audit record, then answer.

        (1) check the count, the consent and that the person is enrolled, (2) judge each recording
        by itself, (3) judge them together, (4) store voice, consent and record in one transaction.
        A voice that is there already is replaced.

        Raises:
            RequestInvalid: too few or too many recordings; a consent that says nothing or is over.
            SubjectUnknown: nobody of this id is enrolled by face.
            ConsentMissing: no consent to this purpose holds, where one is needed.
            AudioRefused: one of them can't be read.
            RegistrationRefused: they don't make a voice; the refusal is on record.
            Unavailable: nothing was stored.
        """
        # (1)
        policy = self._policy
        if not policy.min_recordings <= len(recordings) <= policy.max_recordings:
            raise RequestInvalid(
                "recording_count_invalid",
                f"a voice takes {policy.min_recordings} to {policy.max_recordings} recordings; "
                f"this request has {len(recordings)}",
            )
        if consent is not None:
            consent.require_sound(self._clock.now())
        # Looked up again by the database at the end; here it saves the work.
        if await self._directory.find(subject_id) is None:
            raise SubjectUnknown(subject_id)
        # (2) One after the other, as photos of a registration.
        alone = [await self._judge_alone(recording) for recording in recordings]
        # (3)
        heard = judge_recordings(alone, self._matcher, policy)
        usable = [one.evidence.embedding for one in heard if one.fault is None and one.evidence is not None]
        details = {"recordings": len(heard), "accepted": len(usable)}
        if len(usable) < policy.min_recordings:
            at = self._clock.now()
            event = AuditEvent(ACTION, caller.actor, subject_id, REFUSED, "voice_unfit", at, details)
            await self._audit.append(event)
            self._meter.decided(Decided(ACTION, REFUSED, "voice_unfit"))
            raise RegistrationRefused(
                "voice_unfit",
                f"{policy.min_recordings} recordings of one voice are needed; "
                f"{len(usable)} of these can be used",
                [verdict(one) for one in heard],
            )
        # (4)
        at = self._clock.now()
        event = AuditEvent(ACTION, caller.actor, subject_id, ENROLLED, ENROLLED, at, details)
        voice = VoiceTemplate(subject_id, references_of(usable), at)
        with timed(self._meter, RECORD):
            receipt = await self._voices.put(voice, event, consent=consent, rule=self._consent)
        self._meter.decided(Decided(ACTION, ENROLLED, ENROLLED))
        return VoiceEnrolled(subject_id, heard, receipt)

    async def _judge_alone(self, recording: bytes) -> Heard:
        try:
            evidence = await self._analyzer.listen(recording)
        except SampleRejected as rejection:
            return Heard(rejection.reason, None)
        # Voices over a telephone resemble each other more: a template of one would let more strangers pass.
        return Heard(Reason.VOICE_TELEPHONE if evidence.telephone else None, evidence)


def verdict(heard: Heard) -> dict[str, object]:
    """What the client is told of one recording."""
    return {
        "accepted": heard.fault is None,
        "reason": "accepted" if heard.fault is None else str(heard.fault),
        "advice": None if heard.fault is None else advice(heard.fault),
        "speech_seconds": None if heard.evidence is None else round(heard.evidence.speech_s, 1),
    }
