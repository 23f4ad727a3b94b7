"""Register a person with a few photos."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller
from facekey.api.deps import Served, image_bytes
from facekey.api.description import PICTURES
from facekey.api.problems import Problem
from facekey.core.enrolment import usable
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


@router.post(
    "/register",
    responses={409: {"model": RegistrationProblem}, 422: {"model": RegistrationProblem}, **PICTURES},
)
async def register(
    service: Served,
    caller: Enroller,
    user_id: Annotated[str, Form(description="letters, digits and . _ @ + -, at most 128")],
    images: Annotated[list[UploadFile], "5 to 10 photos of one person, each taken anew"],
) -> Registered:
    """Enrol a person. Photos are judged, turned into a sealed template and forgotten."""
    subject_id = parse_subject_id(user_id)
    done = await service.register(subject_id, [await image_bytes(image) for image in images], caller=caller)
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
