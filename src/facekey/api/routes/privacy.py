"""What a person may ask for: their consents, and everything that is kept of them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.core.caller import Permission
from facekey.core.consent import MAX_PURPOSE, MAX_TEXT_VERSION, Consent, ConsentGiven
from facekey.core.identifiers import parse_subject_id
from facekey.core.personal_export import export_of

router = APIRouter(prefix="/api/v1/users/{user_id}", tags=["privacy"], dependencies=[DESCRIBED])


class ConsentBody(BaseModel):
    """What the person agreed to."""

    purpose: str = Field(max_length=MAX_PURPOSE)
    text_version: str = Field(max_length=MAX_TEXT_VERSION, description="Which text they were shown.")
    expires_at: AwareDatetime | None = Field(default=None, description="Null: until it is withdrawn.")


class ConsentView(BaseModel):
    """A consent, those that are over included."""

    purpose: str
    text_version: str
    given_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None


class Withdrawn(BaseModel):
    """They count no more, from now on."""

    success: Literal[True] = True
    withdrawn: int


class PersonalExport(BaseModel):
    """Everything that is kept of one person; `docs/privacy.md` explains each part."""

    user_id: str
    enrolled_at: datetime
    last_seen_on: str | None
    photos_used: int
    pseudonym: str
    consents: list[ConsentView]
    template: dict[str, object]
    voice: dict[str, object] | None
    adaptation: dict[str, object]
    failed_attempts: dict[str, object] | None
    declared_groups: dict[str, str]
    images: list[dict[str, object]]
    audit_records: list[dict[str, object]]


@router.get("/consents", responses={404: {"model": Problem}})
async def list_consents(service: Served, _caller: Enroller, user_id: str) -> list[ConsentView]:
    """What the person agreed to, the oldest first."""
    return [_view(one) for one in await service.consents.of(parse_subject_id(user_id))]


@router.post("/consents", status_code=201, responses={404: {"model": Problem}})
async def give_consent(service: Served, caller: Enroller, user_id: str, body: ConsentBody) -> ConsentView:
    """Keep another consent. Earlier ones stay."""
    given = ConsentGiven(body.purpose, body.text_version, body.expires_at)
    return _view(await service.consents.give(parse_subject_id(user_id), given, caller=caller))


@router.post("/consents/withdraw", responses={404: {"model": Problem}})
async def withdraw_consent(
    service: Served,
    caller: Enroller,
    user_id: str,
    purpose: Annotated[str | None, Query(max_length=MAX_PURPOSE, description="left out: all of them")] = None,
) -> Withdrawn:
    """End consents. Whoever has none left isn't compared any more and is erased after the time of grace."""
    count = await service.consents.withdraw(parse_subject_id(user_id), purpose, caller=caller)
    return Withdrawn(withdrawn=count)


@router.get("/export", response_model=PersonalExport, responses={404: {"model": Problem}})
async def export(
    service: Served,
    caller: Enroller,
    user_id: str,
    vectors: Annotated[
        bool, Query(description="also the numbers that the face became; for operators")
    ] = False,
) -> JSONResponse:
    """Everything that is kept of one person, for that person (GDPR, articles 15 and 20).

    What is biometric (vectors, photos) is given to operators: a stolen API key must not carry faces away.
    """
    biometric = caller.may(Permission.READ_RECORDS)
    if vectors:
        caller.require(Permission.READ_RECORDS)
    data = await service.export(parse_subject_id(user_id), caller=caller)
    told = export_of(data, vectors=vectors, photos=biometric)
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _view(consent: Consent) -> ConsentView:
    return ConsentView(
        purpose=consent.given.purpose,
        text_version=consent.given.text_version,
        given_at=consent.given_at,
        expires_at=consent.given.expires_at,
        withdrawn_at=consent.withdrawn_at,
    )
