"""Register a person with a few photos."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, UploadFile
from pydantic import AwareDatetime, BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller
from facekey.api.deps import Served, image_bytes
from facekey.api.description import PICTURES
from facekey.api.problems import Problem
from facekey.core.consent import MAX_PURPOSE, MAX_TEXT_VERSION, ConsentGiven
from facekey.core.enrolment import usable
from facekey.core.errors import RequestInvalid
from facekey.core.identifiers import parse_subject_id
from facekey.services.register import Registration

router = APIRouter(prefix="/api/v1", tags=["recognition"], dependencies=[DESCRIBED])


class SampleVerdict(BaseModel):
    """What became of one photo, in the order they were sent."""

    accepted: bool
    reason: str
    advice: str | None
    quality_score: float | None
    liveness_score: float | None


class Registered(BaseModel):
    """The person is enrolled."""

    success: Literal[True] = True
    user_id: str
    samples_processed: int
    valid_samples: int
    avg_quality_score: float
    avg_liveness_score: float
    samples: list[SampleVerdict]


class RegistrationProblem(Problem):
    """Why the photos don't make an enrolment; nothing was stored."""

    samples: list[SampleVerdict] = Field(default_factory=list)


async def _consent(
    consent_purpose: Annotated[
        str | None, Form(max_length=MAX_PURPOSE, description="what the person agreed to")
    ] = None,
    consent_text_version: Annotated[
        str | None, Form(max_length=MAX_TEXT_VERSION, description="which text they were shown")
    ] = None,
    consent_expires_at: Annotated[
        AwareDatetime | None, Form(description="until when it holds; left out, until it is withdrawn")
    ] = None,
) -> ConsentGiven | None:
    if consent_purpose is None and consent_text_version is None and consent_expires_at is None:
        return None
    if consent_purpose is None or consent_text_version is None:
        raise RequestInvalid(
            "consent_invalid", "a consent takes both: consent_purpose and consent_text_version"
        )
    return ConsentGiven(consent_purpose, consent_text_version, consent_expires_at)


Consented = Annotated[ConsentGiven | None, Depends(_consent)]


@router.post(
    "/register",
    responses={409: {"model": RegistrationProblem}, 422: {"model": RegistrationProblem}, **PICTURES},
)
async def register(
    service: Served,
    caller: Enroller,
    user_id: Annotated[str, Form(description="letters, digits and . _ @ + -, at most 128")],
    images: Annotated[list[UploadFile], "5 to 10 photos of one person, each taken anew"],
    consent: Consented,
) -> Registered:
    """Enrol a person. Photos are judged, turned into a sealed template and forgotten.

    Keeping them (sealed, and until the person is erased) is for the operator to switch on.
    """
    subject_id = parse_subject_id(user_id)
    photos = [await image_bytes(image) for image in images]
    done = await service.register(subject_id, photos, caller=caller, consent=consent)
    return _registered(done)


def _registered(done: Registration) -> Registered:
    accepted = usable(done.samples)
    return Registered(
        user_id=done.subject_id,
        samples_processed=len(done.samples),
        valid_samples=len(accepted),
        avg_quality_score=round(sum(item.quality.overall for item in accepted) / len(accepted), 4),
        avg_liveness_score=round(sum(item.liveness.score for item in accepted) / len(accepted), 4),
        samples=[SampleVerdict.model_validate(sample.verdict()) for sample in done.samples],
    )
