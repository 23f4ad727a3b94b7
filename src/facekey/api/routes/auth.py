"""Sign in, stay signed in, sign out; and the keys that face tokens are verified with."""

from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Form, Request, Response
from pydantic import BaseModel, Field

from facekey.api import refresh_cookie
from facekey.api.access import DESCRIBED, KnownCaller, credential_of
from facekey.api.address import client_address
from facekey.api.deps import Served
from facekey.api.problems import Problem, domain_problem
from facekey.api.rate import Budget
from facekey.api.routes.done import Done
from facekey.core.accounts import MAX_PASSWORD
from facekey.core.caller import PERMISSIONS, Permission, Role
from facekey.core.errors import NotSignedIn, RequestInvalid

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
keys = APIRouter(tags=["auth"])

MAX_NAME = 64
MAX_TOKEN = 200

Name = Annotated[str, Form(min_length=1, max_length=MAX_NAME)]
Password = Annotated[str, Form(min_length=1, max_length=MAX_PASSWORD)]
RefreshToken = Annotated[str | None, Form(max_length=MAX_TOKEN)]


RefreshCookie = Annotated[
    str | None,
    Cookie(alias=refresh_cookie.NAME, description="the refresh token that the browser keeps for the web app"),
]


class Tokens(BaseModel):
    """What an operator's client keeps. The refresh token gives the next pair, once."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind of token
    expires_in: int = Field(description="Seconds until the access token counts no more.")
    refresh_token: str | None = Field(description="Null when it is in the cookie.")


class Me(BaseModel):
    """Who the service takes the caller for."""

    actor: str = Field(description="What appears in the audit log.")
    name: str | None = Field(description="The operator's own name; null for whoever is no operator.")
    role: Role
    permissions: list[Permission] = Field(description="What the role reaches, in alphabetical order.")
    open: bool = Field(description="The development profile: no accounts are asked for.")


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


@router.post("/token", response_model=Tokens, responses={401: {"model": Problem}, 403: {"model": Problem}})
async def token(  # noqa: PLR0917 - a form has many fields
    service: Served,
    request: Request,
    response: Response,
    grant_type: Annotated[Literal["password", "refresh_token"], Form()] = "password",
    username: Annotated[str | None, Form(max_length=MAX_NAME)] = None,
    password: Annotated[str | None, Form(max_length=MAX_PASSWORD)] = None,
    refresh_token: RefreshToken = None,
    refresh_in: Annotated[
        Literal["body", "cookie"],
        Form(description="where to put the refresh token; a web app takes `cookie`"),
    ] = "body",
    kept: RefreshCookie = None,
) -> Tokens | Response:
    """Change a password, or a refresh token, for an access token (RFC 6749, 4.3 and 6).

    `grant_type=refresh_token` without a `refresh_token` takes the one of the cookie, and puts
    the next one there. A cookie is set and used for pages of this very address only.
    """
    from_cookie = grant_type == "refresh_token" and not refresh_token and bool(kept)
    in_cookie = from_cookie or refresh_in == "cookie"
    if in_cookie:
        refresh_cookie.require_own_page(request)
    if grant_type == "password":
        address = client_address(request.scope)
        await service.rates.spend(Budget.LOGIN, address)
        if not username or not password:
            raise RequestInvalid("credentials_missing", "send username and password")
        signed_in = await service.sign_in(username, password, address=address)
    elif refresh_token or kept:
        try:
            signed_in = await service.sign_in.refresh(refresh_token or kept or "")
        except NotSignedIn as error:
            refusal = domain_problem(error)
            if from_cookie:
                refresh_cookie.clear(refusal, request)
            return refusal
    else:
        raise RequestInvalid("refresh_token_missing", "send the refresh_token of the last answer")
    if in_cookie:
        lasts_s = signed_in.refresh_expires_in_s
        refresh_cookie.put(response, request, signed_in.refresh_token, lasts_s=lasts_s)
    return Tokens(
        access_token=signed_in.access_token,
        expires_in=signed_in.expires_in_s,
        refresh_token=None if in_cookie else signed_in.refresh_token,
    )


@router.post("/password", responses={401: {"model": Problem}})
async def change_password(
    service: Served, request: Request, username: Name, password: Password, new_password: Password
) -> Done:
    """Choose another password; also the way out of a one-time password. Every sign-in ends."""
    address = client_address(request.scope)
    await service.sign_in.change_password(username, password, new_password, address=address)
    return Done()


@router.post("/logout", dependencies=[DESCRIBED])
async def logout(  # noqa: PLR0917 - what the framework fills in
    service: Served,
    request: Request,
    response: Response,
    caller: KnownCaller,
    refresh_token: RefreshToken = None,
    kept: RefreshCookie = None,
) -> Done:
    """End this sign-in: its access token, and its refresh token from the form or else the cookie."""
    access_token = credential_of(request.scope)
    if access_token is None:
        raise NotSignedIn("there is no sign-in to end")
    if kept and not refresh_token:
        refresh_cookie.require_own_page(request)
        refresh_token = kept
        refresh_cookie.clear(response, request)
    await service.sign_in.out(caller, access_token=access_token, refresh_token=refresh_token or None)
    return Done()


@router.get("/me", dependencies=[DESCRIBED])
async def me(service: Served, caller: KnownCaller) -> Me:
    """Who the service takes the caller for, and what they may; a page asks this first.

    In the development profile it answers without a credential too.
    """
    return Me(
        actor=caller.actor,
        name=await service.know_caller.name_of(caller),
        role=caller.role,
        permissions=sorted(PERMISSIONS[caller.role]),
        open=service.know_caller.open_to_all,
    )


@keys.get("/.well-known/jwks.json")
async def key_set(service: Served) -> KeySet:
    """Public keys that face tokens are verified with."""
    return KeySet(keys=service.face_tokens.key_set()["keys"])
