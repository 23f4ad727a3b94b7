"""What runs here."""

from fastapi import APIRouter
from pydantic import BaseModel

from facekey.api.access import DESCRIBED, KnownCaller
from facekey.api.deps import Served
from facekey.api.service import NetworkStatus

router = APIRouter(prefix="/api/v1/system", tags=["system"], dependencies=[DESCRIBED])


class SystemInfo(BaseModel):
    """Version, networks and thresholds."""

    version: str
    profile: str
    device: str
    total_users: int
    match_fmr: float
    match_threshold: float
    liveness_threshold: float
    models: list[NetworkStatus]


@router.get("/info")
async def info(service: Served, _caller: KnownCaller) -> SystemInfo:
    """Version, networks installed (and why others aren't), device, profile, thresholds."""
    facts = service.facts
    return SystemInfo(
        version=facts.version,
        profile=facts.profile,
        device=facts.device,
        total_users=await service.directory.count(),
        match_fmr=facts.match_fmr,
        match_threshold=round(facts.match_threshold, 4),
        liveness_threshold=round(facts.liveness_threshold, 4),
        models=list(facts.networks),
    )
