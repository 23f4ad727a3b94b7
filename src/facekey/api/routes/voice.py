"""Voices: enrolled, verified by themselves, forgotten. Nobody is let in by any of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, UploadFile
from pydantic import AwareDatetime, BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller, Recogniser
from facekey.api.deps import ClientAddress, Served, on_behalf_of
from facekey.api.description import SOUNDS
from facekey.api.problems import Problem
from facekey.api.service import VoiceVerbs
from facekey.core.advice import advice
from facekey.core.consent import MAX_TEXT_VERSION, ConsentGiven
from facekey.core.errors import RequestInvalid
from facekey.core.identifiers import parse_subject_id
from facekey.core.types import Reason
from facekey.core.voice import PURPOSE
from facekey.services.enrol_voice import verdict

router = APIRouter(prefix="/api/v1/voice", tags=["voice"], dependencies=[DESCRIBED])

DECIDED = (Reason.VOICE_MATCH, Reason.VOICE_NO_MATCH)


class RecordingVerdict(BaseModel):
    """What became of one recording, in the order they were sent."""

    accepted: bool
    reason: str
    advice: str | None
    speech_seconds: float | None = Field(description="How much of it is speech.")


class VoiceEnrolment(BaseModel):
    """The voice is enrolled; one that was there before is replaced."""

    success: Literal[True] = True
    user_id: str
    recordings_processed: int
    valid_recordings: int
    recordings: list[RecordingVerdict]


class VoiceProblem(Problem):
    """Why the recordings don't make a voice; nothing was stored."""

    samples: list[RecordingVerdict] = Field(default_factory=list)


class VoiceVerification(BaseModel):
    """Whether it is the claimed person's voice. It is no sign-in: a recording can be replayed."""

    voice_match: bool
    score: float | None = Field(
        description="Calibrated similarity, on the scale of `authenticate`; null when nothing was compared."
    )
    threshold: float
    reason: str
    advice: str | None = Field(description="What to do better, when the recording could not be judged.")


class VoiceForgotten(BaseModel):
    """Nothing of the voice is kept any more."""

    success: Literal[True] = True
    user_id: str
    had_voice: bool


async def _verbs(service: Served) -> VoiceVerbs:
    if service.voice is None:
        raise RequestInvalid("voice_off", "voice is switched off here (FACEKEY_VOICE)")
    return service.voice


Verbs = Annotated[VoiceVerbs, Depends(_verbs)]


async def _consent(
    consent_text_version: Annotated[
        str | None,
        Form(
            max_length=MAX_TEXT_VERSION,
            description="the person agreed to recognition by voice: which text they were shown",
        ),
    ] = None,
    consent_expires_at: Annotated[
        AwareDatetime | None, Form(description="until when it holds; left out, until it is withdrawn")
    ] = None,
) -> ConsentGiven | None:
    if consent_text_version is None and consent_expires_at is None:
        return None
    if consent_text_version is None:
        raise RequestInvalid("consent_invalid", "a consent takes consent_text_version")
    return ConsentGiven(PURPOSE, consent_text_version, consent_expires_at)


Consented = Annotated[ConsentGiven | None, Depends(_consent)]


@router.post("/enrol", responses={404: {"model": Problem}, 422: {"model": VoiceProblem}, **SOUNDS})
async def enrol_voice(
    caller: Enroller,
    verbs: Verbs,
    user_id: Annotated[str, Form(description="who is enrolled by face already")],
    recordings: Annotated[list[UploadFile], "3 to 10 recordings of one voice: WAV, FLAC or Ogg"],
    consent: Consented,
) -> VoiceEnrolment:
    """Enrol a voice for somebody who is registered. Recordings become a sealed vector and are forgotten."""
    subject_id = parse_subject_id(user_id)
    sounds = [await recording.read() for recording in recordings]
    done = await verbs.enrol(subject_id, sounds, caller=caller, consent=consent)
    return VoiceEnrolment(
        user_id=done.subject_id,
        recordings_processed=len(done.heard),
        valid_recordings=sum(one.fault is None for one in done.heard),
        recordings=[RecordingVerdict.model_validate(verdict(one)) for one in done.heard],
    )


@router.post("/verify", responses=SOUNDS)
async def verify_voice(
    caller: Recogniser,
    verbs: Verbs,
    user_id: Annotated[str, Form(description="whom the person claims to be")],
    recording: Annotated[UploadFile, "one recording: WAV, FLAC or Ogg"],
    client_address: ClientAddress = None,
) -> VoiceVerification:
    """Is this the claimed person's voice? An unknown id is answered like a stranger's."""
    subject_id = parse_subject_id(user_id)
    caller = on_behalf_of(caller, client_address)
    found = await verbs.verify(subject_id, await recording.read(), caller=caller)
    return VoiceVerification(
        voice_match=found.reason is Reason.VOICE_MATCH,
        score=None if found.confidence is None else round(found.confidence, 4),
        threshold=round(found.threshold, 4),
        reason=found.reason,
        advice=None if found.reason in DECIDED else advice(found.reason),
    )


@router.delete("/{user_id}", responses={404: {"model": Problem}})
async def forget_voice(caller: Enroller, verbs: Verbs, user_id: str) -> VoiceForgotten:
    """Forget a voice. The person stays registered by face."""
    subject_id = parse_subject_id(user_id)
    return VoiceForgotten(user_id=subject_id, had_voice=await verbs.forget(subject_id, caller=caller))
