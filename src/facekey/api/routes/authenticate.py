"""Authenticate (1:1)."""

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Recogniser
from facekey.api.deps import ClientAddress, Served, image_bytes, on_behalf_of
from facekey.api.description import PICTURES
from facekey.core.accounts import FaceTokenRequest, parse_audience
from facekey.core.advice import advice
from facekey.core.identifiers import parse_subject_id
from facekey.core.types import Decision, Outcome, VoiceFinding

router = APIRouter(prefix="/api/v1", tags=["recognition"], dependencies=[DESCRIBED])


class VoiceFound(BaseModel):
    """What a recording says beside a face. It can turn a yes into a no, and nothing into a yes."""

    reason: str = Field(
        description="`voice_match`, `voice_no_match`, `voice_not_enrolled` (the face decided alone) or "
        "`voice_not_compared` (the face was refused)."
    )
    score: float | None = Field(description="On the scale of `confidence`; null when nothing was compared.")
    threshold: float = Field(description="What `score` must reach.")
    fused: float | None = Field(
        description="Face and voice together, on the same scale (Fisher's method). Told, not decided by."
    )


class Authentication(BaseModel):
    """The decision. A face that is turned away is an answer like any other, not an error."""

    authenticated: bool
    confidence: float | None = Field(
        description="Calibrated similarity, 0..1, rising with the cosine: 1 - 0.35 ** (e / 4), where "
        "10 ** -e is the share of strangers who score as high (0.55: one in 1,000, 0.65: one in 10,000, "
        "0.73: one in 100,000; extrapolated beyond one in 1,000,000). It is not the probability that this is "
        "the person. Null when nothing was compared: no usable face, or a suspected spoof."
    )
    threshold: float = Field(description="What `confidence` must reach; on the same scale.")
    liveness_score: float | None = Field(description="Probability of a live person; null without a face.")
    reason: str
    advice: str | None = Field(description="What to do better, when the capture could not be judged.")
    similarities: dict[str, float] = Field(
        description="Each installed network's similarity on the scale of `confidence`, and their fusion."
    )
    probability: float | None = Field(
        description="The authentication head's probability that this is a genuine, live attempt."
    )
    voice: VoiceFound | None = Field(
        default=None, description="What a recording says that was sent, too; null without one."
    )
    quality_score: float | None = Field(description="How well the capture could be judged, 0..1.")
    token: str | None = Field(
        default=None,
        description="When asked for and authenticated: a signed token for the audience (ES256; keys at "
        "/.well-known/jwks.json; claims sub, aud, amr, liveness, auth_time, exp).",
    )
    token_expires_in: int | None = Field(default=None, description="Seconds until the token counts no more.")


@router.post("/authenticate", responses=PICTURES)
async def authenticate(  # noqa: PLR0917 - a form has many fields
    service: Served,
    caller: Recogniser,
    user_id: Annotated[str, Form(description="whom the person claims to be")],
    image: Annotated[UploadFile, "one photo, JPEG, PNG, WebP or BMP"],
    audience: Annotated[str | None, Form(description="ask for a token for this application")] = None,
    voice: Annotated[UploadFile | None, "where voice is on: WAV, FLAC or Ogg; takes the voice step"] = None,
    client_address: ClientAddress = None,
) -> Authentication:
    """Is this the claimed person, live? An unknown id is answered like a stranger."""
    subject_id = parse_subject_id(user_id)
    if audience is not None:
        caller.require_audience(parse_audience(audience))
    caller = on_behalf_of(caller, client_address)
    decision = await service.authenticate(
        subject_id,
        await image_bytes(image),
        caller=caller,
        recording=None if voice is None else await voice.read(),
    )
    answer = _answer(decision)
    if audience is None or decision.outcome is not Outcome.ACCEPT:
        return answer
    token = service.face_tokens.issue(FaceTokenRequest(subject_id, audience, "passive"))
    return answer.model_copy(update={"token": token, "token_expires_in": service.face_tokens.lasts_s})


def _answer(decision: Decision) -> Authentication:
    return Authentication(
        authenticated=decision.outcome is Outcome.ACCEPT,
        confidence=_rounded(decision.confidence),
        threshold=round(decision.threshold, 4),
        liveness_score=_rounded(decision.liveness_score),
        reason=decision.reason,
        advice=advice(decision.reason) if decision.outcome is Outcome.RETRY else None,
        similarities={name: round(value, 4) for name, value in decision.similarities.items()},
        probability=_rounded(decision.probability),
        voice=None if decision.voice is None else _voice(decision.voice),
        quality_score=None if decision.quality is None else round(decision.quality.overall, 4),
    )


def _voice(finding: VoiceFinding) -> VoiceFound:
    return VoiceFound(
        reason=finding.reason,
        score=_rounded(finding.confidence),
        threshold=round(finding.threshold, 4),
        fused=_rounded(finding.fused),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
