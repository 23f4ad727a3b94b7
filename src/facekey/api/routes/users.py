"""The people who are enrolled: list, look up, erase."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller, PeopleLister
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.core.identifiers import MAX_LENGTH, parse_subject_id
from facekey.services.erase import ErasureReceipt
from facekey.services.list_people import Person

router = APIRouter(prefix="/api/v1", tags=["users"], dependencies=[DESCRIBED])

MAX_PAGE = 500


class User(BaseModel):
    """An enrolled person, without anything biometric."""

    user_id: str
    enrolled_at: datetime
    samples: int
    models: list[str]
    last_seen_on: date | None = Field(
        description="The day of the last accepted attempt. This and the next three are told to callers who "
        "may lift attempt limits; to others they are null, 0, null and null."
    )
    failures: int = Field(description="Failed attempts in a row.")
    wait_until: datetime | None = Field(description="When the next attempt counts; it may have gone by.")
    locked_at: datetime | None = Field(description="Since when only an operator can lift it.")


class UserPage(BaseModel):
    """Some of the enrolled people, in a fixed order that is not that of their ids."""

    users: list[User]
    total: int = Field(description="Of all who are enrolled, whatever was searched for.")
    next_after: str | None = Field(
        description="Give it as `after` for the next page; null on the last. A search looks at 2,000 ids at "
        "most and then says how to go on, with what it found so far: that can be nobody."
    )


class Erased(BaseModel):
    """Proof that a person's data is gone; keep it."""

    success: Literal[True] = True
    user_id: str
    erased_at: datetime
    audit_sequence: int = Field(description="Place of the erasure in the audit log.")
    audit_digest: str = Field(description="Hash of that record, hex.")
    subject: str = Field(description="The person's pseudonym in the audit log.")
    kid: str = Field(description="Which key signed it: see /.well-known/facekey-audit-keys.pem.")
    signature: str = Field(description="Ed25519, hex; `facekey audit verify-receipt` checks it.")


@router.get("/users")
async def list_users(
    service: Served,
    caller: PeopleLister,
    after: Annotated[str | None, Query(description="show those after this id")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_LENGTH,
            description="only those whose id contains this, large or small letters alike",
        ),
    ] = None,
) -> UserPage:
    """Enrolled people, in a fixed order: ids are stored sealed, so it can't be theirs."""
    start = None if after is None else parse_subject_id(after)
    page = await service.list_people(after=start, limit=limit, containing=q, caller=caller)
    return UserPage(
        users=[_user(person) for person in page.people], total=page.total, next_after=page.next_after
    )


@router.get("/users/{user_id}", responses={404: {"model": Problem}})
async def get_user(service: Served, caller: Enroller, user_id: str) -> User:
    """One enrolled person."""
    return _user(await service.list_people.one(parse_subject_id(user_id), caller=caller))


@router.delete("/users/{user_id}", responses={404: {"model": Problem}})
async def erase_user(service: Served, caller: Enroller, user_id: str) -> Erased:
    """Erase a person: key, templates, place in every search. It can't be undone."""
    return _erased(await service.erase(parse_subject_id(user_id), caller=caller))


@router.post("/delete_user", responses={404: {"model": Problem}})
async def delete_user(service: Served, caller: Enroller, user_id: Annotated[str, Query()]) -> Erased:
    """The same as `DELETE /api/v1/users/{user_id}`."""
    return _erased(await service.erase(parse_subject_id(user_id), caller=caller))


def _user(person: Person) -> User:
    subject, failures = person.subject, person.failures
    return User(
        user_id=subject.subject_id,
        enrolled_at=subject.enrolled_at,
        samples=subject.samples,
        models=list(subject.models),
        last_seen_on=subject.last_seen_on,
        failures=0 if failures is None else failures.count,
        wait_until=None if failures is None else failures.wait_until,
        locked_at=None if failures is None else failures.locked_at,
    )


def _erased(receipt: ErasureReceipt) -> Erased:
    return Erased(
        user_id=receipt.subject_id,
        erased_at=receipt.erased_at,
        audit_sequence=receipt.receipt.sequence,
        audit_digest=receipt.receipt.digest.hex(),
        subject=receipt.said.subject,
        kid=receipt.signature.kid,
        signature=receipt.signature.value.hex(),
    )
