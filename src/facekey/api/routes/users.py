"""The people who are enrolled: list, look up, erase."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Enroller, PeopleLister
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.core.errors import SubjectUnknown
from facekey.core.identifiers import parse_subject_id
from facekey.core.types import Subject
from facekey.services.erase import ErasureReceipt

router = APIRouter(prefix="/api/v1", tags=["users"], dependencies=[DESCRIBED])

MAX_PAGE = 500


class User(BaseModel):
    """An enrolled person, without anything biometric."""

    user_id: str
    enrolled_at: datetime
    samples: int
    models: list[str]


class UserPage(BaseModel):
    """Some of the enrolled people, in a fixed order that is not that of their ids."""

    users: list[User]
    total: int
    next_after: str | None = Field(description="Give it as `after` for the next page; null on the last.")


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
    _caller: PeopleLister,
    after: Annotated[str | None, Query(description="show those after this id")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> UserPage:
    """Enrolled people, in a fixed order: ids are stored sealed, so it can't be theirs."""
    start = None if after is None else parse_subject_id(after)
    subjects = await service.directory.page(after=start, limit=limit)
    return UserPage(
        users=[_user(subject) for subject in subjects],
        total=await service.directory.count(),
        next_after=subjects[-1].subject_id if len(subjects) == limit else None,
    )


@router.get("/users/{user_id}", responses={404: {"model": Problem}})
async def get_user(service: Served, _caller: Enroller, user_id: str) -> User:
    """One enrolled person."""
    subject_id = parse_subject_id(user_id)
    subject = await service.directory.find(subject_id)
    if subject is None:
        raise SubjectUnknown(subject_id)
    return _user(subject)


@router.delete("/users/{user_id}", responses={404: {"model": Problem}})
async def erase_user(service: Served, caller: Enroller, user_id: str) -> Erased:
    """Erase a person: key, templates, place in every search. It can't be undone."""
    return _erased(await service.erase(parse_subject_id(user_id), caller=caller))


@router.post("/delete_user", responses={404: {"model": Problem}})
async def delete_user(service: Served, caller: Enroller, user_id: Annotated[str, Query()]) -> Erased:
    """The same as `DELETE /api/v1/users/{user_id}`."""
    return _erased(await service.erase(parse_subject_id(user_id), caller=caller))


def _user(subject: Subject) -> User:
    return User(
        user_id=subject.subject_id,
        enrolled_at=subject.enrolled_at,
        samples=subject.samples,
        models=list(subject.models),
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
