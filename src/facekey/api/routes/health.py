"""Is the service alive, and can it decide?"""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from facekey.api.deps import Served

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """All is well; otherwise the answer is a 503 problem."""

    status: Literal["ok"] = "ok"
    version: str


@router.get("")
@router.get("/ready", include_in_schema=False)
async def ready(service: Served) -> Health:
    """Whether requests can be decided: networks loaded, database and keys at hand."""
    await service.readiness.check()
    return Health(version=service.facts.version)


@router.get("/live")
async def live(service: Served) -> Health:
    """Whether the process answers at all; a failure means: restart it."""
    return Health(version=service.facts.version)
