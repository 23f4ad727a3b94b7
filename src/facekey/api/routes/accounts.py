"""Operators and API keys, and the attempt limits that operators lift."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, Administrator, Unlocker
from facekey.api.address import parse_address
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.api.routes.done import Done
from facekey.core.accounts import ApiKey, Operator
from facekey.core.attempts import Claim
from facekey.core.caller import Role
from facekey.core.errors import RequestInvalid
from facekey.core.identifiers import parse_subject_id
from facekey.services.manage_accounts import NewOperator

router = APIRouter(prefix="/api/v1", tags=["accounts"], dependencies=[DESCRIBED])

MAX_DAYS = 3650


class OperatorView(BaseModel):
    """An operator, without anything secret."""

    uid: str = Field(description="What appears in the audit log, as operator:<uid>.")
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    must_choose_password: bool


class OperatorMade(BaseModel):
    """An operator who is still to choose a password."""

    operator: OperatorView
    one_time_password: str = Field(description="Shown once; good for choosing another at /auth/password.")
    expires_at: datetime


class ApiKeyView(BaseModel):
    """An API key, without the key."""

    uid: str = Field(description="What appears in the audit log, as api_key:<uid>.")
    name: str
    role: Role
    audience: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class ApiKeyMade(BaseModel):
    """A key as it is shown, once."""

    api_key: ApiKeyView
    key: str = Field(description="Shown once and kept nowhere: put it into the application's secrets.")


class NewOperatorBody(BaseModel):
    """Whom to make."""

    name: str = Field(max_length=64)
    role: Role = Role.OPERATOR


class NewApiKeyBody(BaseModel):
    """What to make."""

    name: str = Field(max_length=64)
    role: Role = Role.SERVICE
    lasts_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] | None = None
    audience: str | None = Field(
        default=None, max_length=200, description="Whom face tokens are for that it may ask for; null: none."
    )


class Limit(BaseModel):
    """How somebody stands with the attempt limits."""

    failures: int
    wait_until: datetime | None
    locked_at: datetime | None = Field(description="Since when only an operator can lift it.")


class Unlocked(BaseModel):
    """What was lifted."""

    success: Literal[True] = True
    was_limited: bool


@router.get("/operators")
async def list_operators(service: Served, _caller: Administrator) -> list[OperatorView]:
    """All operators."""
    return [_operator(one) for one in await service.manage_accounts.operators()]


@router.post("/operators", status_code=201, responses={409: {"model": Problem}})
async def add_operator(service: Served, caller: Administrator, body: NewOperatorBody) -> OperatorMade:
    """Make an operator with a one-time password."""
    return _made(await service.manage_accounts.add_operator(body.name, body.role, caller=caller))


@router.post("/operators/{name}/reset_password", responses={404: {"model": Problem}})
async def reset_password(service: Served, caller: Administrator, name: str) -> OperatorMade:
    """Give an operator a new one-time password; every sign-in of theirs ends."""
    return _made(await service.manage_accounts.reset_password(name, caller=caller))


@router.delete("/operators/{name}", responses={404: {"model": Problem}})
async def disable_operator(service: Served, caller: Administrator, name: str) -> Done:
    """Let an operator sign in no more. The account stays, so that records can be understood."""
    await service.manage_accounts.disable_operator(name, caller=caller)
    return Done()


@router.get("/api_keys")
async def list_api_keys(service: Served, _caller: Administrator) -> list[ApiKeyView]:
    """All API keys."""
    return [_key(one) for one in await service.manage_accounts.api_keys()]


@router.post("/api_keys", status_code=201, responses={409: {"model": Problem}})
async def add_api_key(service: Served, caller: Administrator, body: NewApiKeyBody) -> ApiKeyMade:
    """Make a key for an application."""
    made = await service.manage_accounts.add_api_key(
        body.name, body.role, lasts_days=body.lasts_days, audience=body.audience, caller=caller
    )
    return ApiKeyMade(api_key=_key(made.api_key), key=made.key)


@router.delete("/api_keys/{uid}", responses={404: {"model": Problem}})
async def revoke_api_key(service: Served, caller: Administrator, uid: str) -> Done:
    """Let a key open nothing any more, at once."""
    await service.manage_accounts.revoke_api_key(uid, caller=caller)
    return Done()


@router.get("/attempts")
async def attempts(
    service: Served,
    _caller: Unlocker,
    user_id: Annotated[str | None, Query()] = None,
    address: Annotated[str | None, Query()] = None,
) -> Limit:
    """How a user or an address stands with the attempt limits."""
    failures = await service.locks.failures(_claim(user_id, address))
    if failures is None:
        return Limit(failures=0, wait_until=None, locked_at=None)
    return Limit(failures=failures.count, wait_until=failures.wait_until, locked_at=failures.locked_at)


@router.post("/attempts/unlock")
async def unlock(
    service: Served,
    caller: Unlocker,
    user_id: Annotated[str | None, Query()] = None,
    address: Annotated[str | None, Query()] = None,
) -> Unlocked:
    """Forget the failed attempts on a user, or from an address."""
    return Unlocked(was_limited=await service.unlock(_claim(user_id, address), caller=caller))


def _claim(user_id: str | None, address: str | None) -> Claim:
    if (user_id is None) == (address is None):
        raise RequestInvalid("claim_invalid", "name either a user_id or an address")
    if user_id is not None:
        return Claim(parse_subject_id(user_id), None)
    return Claim(None, parse_address(str(address)))


def _operator(one: Operator) -> OperatorView:
    return OperatorView(
        uid=one.uid,
        name=one.name,
        role=one.role,
        created_at=one.created_at,
        disabled_at=one.disabled_at,
        must_choose_password=one.one_time,
    )


def _made(made: NewOperator) -> OperatorMade:
    return OperatorMade(
        operator=_operator(made.operator),
        one_time_password=made.one_time_password,
        expires_at=made.expires_at,
    )


def _key(one: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        uid=one.uid,
        name=one.name,
        role=one.role,
        audience=one.audience,
        created_at=one.created_at,
        expires_at=one.expires_at,
        revoked_at=one.revoked_at,
        last_used_at=one.last_used_at,
    )
