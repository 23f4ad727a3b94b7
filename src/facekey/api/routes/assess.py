"""Assess one photo before it is sent for an enrolment."""

from typing import Annotated, Self

from fastapi import APIRouter, UploadFile
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller
from facekey.api.deps import Served, image_bytes
from facekey.api.description import PICTURES
from facekey.api.statuses import region
from facekey.core.advice import advice
from facekey.core.types import Quality

router = APIRouter(prefix="/api/v1", tags=["recognition"], dependencies=[DESCRIBED])

ROUNDED = 4


class Measured(BaseModel):
    """How well the face can be judged. Scores are 0..1 and grow with quality."""

    overall: float = Field(description="One number from all; the weakest counts half.")
    sharpness: float
    brightness: float
    contrast: float
    occlusion: float = Field(description="1 for a bare face.")
    yaw_deg: float = Field(description="Positive when turned to the person's own left.")
    pitch_deg: float = Field(description="Positive when looking up.")
    roll_deg: float = Field(description="Positive when tilted to the person's left shoulder.")
    face_px: float = Field(description="The narrower side of the face, in pixels of the picture.")

    @classmethod
    def of(cls, quality: Quality) -> Self:
        """The measurements, rounded."""
        return cls(**{name: round(getattr(quality, name), ROUNDED) for name in cls.model_fields})


class Assessed(BaseModel):
    """What the photo is good for. It says nothing of whose face it is, or whether it is live."""

    usable: bool
    reason: str | None = Field(description="What must be mended first; null when the photo can be used.")
    advice: str | None
    quality: Measured | None = Field(description="Null when there is no face, or several.")
    face: list[float] | None = Field(
        description="Left, upper, right and lower edge of the face, as shares of the upright picture's "
        "width and height."
    )


@router.post("/assess", responses=PICTURES)
async def assess(
    service: Served, _caller: Enroller, image: Annotated[UploadFile, "one photo, JPEG, PNG, WebP or BMP"]
) -> Assessed:
    """How well one photo would do in a registration. Nothing is compared, kept or put on record."""
    seen = await service.assess(await image_bytes(image))
    return Assessed(
        usable=seen.reason is None,
        reason=seen.reason,
        advice=None if seen.reason is None else advice(seen.reason),
        quality=None if seen.quality is None else Measured.of(seen.quality),
        face=region(seen.face),
    )
