"""Identify (1:N)."""

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Recogniser
from facekey.api.deps import ClientAddress, Served, image_bytes, on_behalf_of
from facekey.api.description import PICTURES
from facekey.core.advice import advice
from facekey.core.types import Reason
from facekey.services.identify import Identification

router = APIRouter(prefix="/api/v1", tags=["recognition"], dependencies=[DESCRIBED])

DECIDED = (Reason.LIVE_MATCH, Reason.NO_MATCH, Reason.SPOOF_SUSPECTED)


class MatchedUser(BaseModel):
    """An enrolled person above the threshold."""

    user_id: str
    confidence: float = Field(description="On the scale of `authenticate`.")


class Identified(BaseModel):
    """Who it is, or an honest nobody."""

    found: bool
    liveness_score: float | None
    matches: list[MatchedUser]
    total_users_checked: int
    reason: str
    advice: str | None
    threshold: float = Field(description="What a match must reach; it rises with the number of users.")


@router.post("/identify", responses=PICTURES)
async def identify(
    service: Served,
    caller: Recogniser,
    image: Annotated[UploadFile, "one photo, JPEG, PNG, WebP or BMP"],
    top_k: Annotated[int, Form(description="how many matches at most, 1 to 20")] = 3,
    client_address: ClientAddress = None,
) -> Identified:
    """Who of the enrolled is this? Nobody is named below the threshold."""
    return _answer(
        await service.identify(
            await image_bytes(image), top_k=top_k, caller=on_behalf_of(caller, client_address)
        )
    )


def _answer(answer: Identification) -> Identified:
    return Identified(
        found=bool(answer.found),
        liveness_score=None if answer.liveness_score is None else round(answer.liveness_score, 4),
        matches=[
            MatchedUser(user_id=one.subject_id, confidence=round(one.match.confidence, 4))
            for one in answer.found
        ],
        total_users_checked=answer.gallery_size,
        reason=answer.reason,
        advice=None if answer.reason in DECIDED else advice(answer.reason),
        threshold=round(answer.threshold, 4),
    )
