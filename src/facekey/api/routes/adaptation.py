"""What adaptation learned of a person, and taking it back."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Unlocker
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.core.calibration import confidence
from facekey.core.identifiers import parse_subject_id
from facekey.services.undo_adaptation import BackTo

router = APIRouter(prefix="/api/v1", tags=["users"], dependencies=[DESCRIBED])


class PersonalThreshold(BaseModel):
    """What this person must reach, in one kind of attempt."""

    attempts: str = Field(description="`stream` or `image`, and the networks.")
    threshold: float = Field(description="On the scale of `confidence`; never below the common one.")
    scores: int = Field(description="How many of the person's own attempts are behind it.")


class Adaptation(BaseModel):
    """What adaptation knows of a person; nothing biometric."""

    user_id: str
    version: int = Field(description="Of the template; 1 is the enrolment, and each change counts one on.")
    learned_vectors: int = Field(description="Beside those of the enrolment, which never change.")
    earlier_versions: list[int] = Field(description="That `undo` can return to, one after the other.")
    last_changed_at: datetime | None
    waiting: int = Field(description="Attempts that wait for others, of other days, to agree with them.")
    common_threshold: float
    personal_thresholds: list[PersonalThreshold]
    enrol_again: bool = Field(description="The last attempts matched so weakly that new photos are advised.")


class Undone(BaseModel):
    """It is undone and on record."""

    success: Literal[True] = True
    user_id: str
    version: int
    learned_vectors: int


@router.get("/users/{user_id}/adaptation", responses={404: {"model": Problem}})
async def get_adaptation(service: Served, _caller: Unlocker, user_id: str) -> Adaptation:
    """What adaptation did with a person's template, and what is asked of them in particular."""
    subject_id = parse_subject_id(user_id)
    standing = await service.undo_adaptation.standing(subject_id)
    return Adaptation(
        user_id=subject_id,
        version=standing.version,
        learned_vectors=standing.learned,
        earlier_versions=list(standing.earlier),
        last_changed_at=standing.refreshed_at,
        waiting=standing.waiting,
        common_threshold=round(confidence(standing.threshold), 4),
        personal_thresholds=[
            PersonalThreshold(attempts=under, threshold=round(confidence(bar), 4), scores=count)
            for under, (bar, count) in standing.bars.items()
        ],
        enrol_again=standing.enrol_again,
    )


@router.post("/users/{user_id}/adaptation/undo", responses={404: {"model": Problem}})
async def undo_adaptation(
    service: Served,
    caller: Unlocker,
    user_id: str,
    back_to: Annotated[
        BackTo, Query(description="the version before, or all the way to the enrolment")
    ] = BackTo.PREVIOUS,
) -> Undone:
    """Take back what was learned; what was remembered of the person's attempts goes with it."""
    subject_id = parse_subject_id(user_id)
    undone = await service.undo_adaptation(subject_id, back_to, caller=caller)
    return Undone(user_id=subject_id, version=undone.version, learned_vectors=undone.learned)
