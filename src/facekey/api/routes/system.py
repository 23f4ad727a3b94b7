"""What runs here, how fit it is, and which keys it has."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, KnownCaller, RecordReader
from facekey.api.deps import Served
from facekey.api.examined import Doctor, Examined, Item
from facekey.api.service import NetworkStatus, StreamFacts

router = APIRouter(prefix="/api/v1/system", tags=["system"], dependencies=[DESCRIBED])

NO_DOCTOR = Item(
    "doctor", "unknown", "this process was started without the doctor", "facekey doctor, on its machine"
)


class SystemInfo(BaseModel):
    """Version, networks, thresholds, and what is switched on."""

    version: str
    profile: str
    device: str
    started_at: datetime = Field(description="When this process began to serve.")
    total_users: int
    match_fmr: float
    match_threshold: float
    liveness_threshold: float
    stream: StreamFacts
    images_stored: bool = Field(description="Photos of registrations are kept.")
    adaptation: bool = Field(description="Templates learn from live matches.")
    consent_required: bool
    max_image_bytes: int = Field(description="Largest picture that is taken.")
    voice: bool = Field(description="Recordings of a voice are taken beside faces (docs/voice.md).")
    models: list[NetworkStatus]


class RootKeyShown(BaseModel):
    """A key that protects records, without the key."""

    key_id: str
    version: int
    current: bool = Field(description="Records are written under it now.")
    at_hand: bool = Field(description="It is here to open what was written under it.")
    records: int = Field(
        description="How many keys of people and of the deployment it wraps; under an older one, "
        "`facekey keys rotate` brings them under the current one."
    )
    created_at: datetime | None = Field(description="Null where nobody wrote it down.")


class SigningKeyShown(BaseModel):
    """A key that signs, without the key."""

    kid: str
    purpose: str = Field(description="What it signs: `face_token`, `audit`.")
    created_at: datetime
    retired_at: datetime | None = Field(description="Since when it signs no more.")


class KeysShown(BaseModel):
    """The keys of this deployment; none of them can be read here."""

    root: list[RootKeyShown] = Field(description="The current one first.")
    signing: list[SigningKeyShown] = Field(description="The newest first.")


@router.get("/info")
async def info(service: Served, _caller: KnownCaller) -> SystemInfo:
    """Version, networks installed (and why others aren't), device, profile, thresholds."""
    facts = service.facts
    return SystemInfo(
        version=facts.version,
        profile=facts.profile,
        device=facts.device,
        started_at=facts.started_at,
        total_users=await service.directory.count(),
        match_fmr=facts.match_fmr,
        match_threshold=round(facts.match_threshold, 4),
        liveness_threshold=round(facts.liveness_threshold, 4),
        stream=facts.stream,
        images_stored=facts.images_stored,
        adaptation=facts.adaptation,
        consent_required=facts.consent_required,
        max_image_bytes=facts.max_image_bytes,
        voice=facts.voice,
        models=list(facts.networks),
    )


@router.get("/doctor")
async def doctor(request: Request, service: Served, _caller: RecordReader) -> Examined:
    """The production list, as `facekey doctor` has it. It is examined at most once a minute."""
    examine: Doctor | None = request.app.state.doctor
    if examine is None:
        return Examined(service.stream.clock.now(), (NO_DOCTOR,))
    return await examine()


@router.get("/keys")
async def keys(service: Served, _caller: RecordReader) -> KeysShown:
    """Which keys there are, how old they are and what hangs on them; never the keys."""
    return KeysShown(
        root=[
            RootKeyShown(
                key_id=key.key_id,
                version=key.version,
                current=key.current,
                at_hand=key.at_hand,
                records=key.records,
                created_at=key.made_at,
            )
            for key in await service.keys.root_keys()
        ],
        signing=[
            SigningKeyShown(
                kid=key.kid, purpose=key.purpose, created_at=key.created_at, retired_at=key.retired_at
            )
            for key in await service.keys.signing_keys()
        ],
    )
