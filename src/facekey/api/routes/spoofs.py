"""Suspected spoofs, for operators: what was decided, and what was kept of it."""

import base64
import json
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from facekey.api.access import DESCRIBED, RecordReader
from facekey.api.deps import Served
from facekey.api.problems import Problem
from facekey.api.routes.audit import MAX_SEQUENCE, AuditRecord, record_of
from facekey.core.audit import ChainedRecord
from facekey.services.read_spoofs import Spoof

router = APIRouter(prefix="/api/v1/spoofs", tags=["audit"], dependencies=[DESCRIBED])

MAX_PAGE = 200
SCORES = ("liveness", "quality", "match_evidence", "anchor_evidence", "bar")
"""Details of a record that are scores of its parts."""

PHOTO_TYPE = "image/jpeg"


class SpoofRecord(AuditRecord):
    """A record of a suspected spoof."""

    evidence: bool = Field(description="There is a depth picture or a photo of it.")


class SpoofPage(BaseModel):
    """Suspected spoofs, the newest first."""

    records: list[SpoofRecord]
    next_before: int | None = Field(description="Give it as `before` for the next page; null on the last.")


class SpoofShown(BaseModel):
    """One suspected spoof."""

    record: AuditRecord
    scores: dict[str, float] = Field(
        description="Scores that went on record: `liveness`, `quality`, `match_evidence`, with adaptation "
        "`anchor_evidence` and `bar`. Empty when a stream was refused before anybody was compared."
    )
    depth_png: str | None = Field(
        description="Base64: the depth of the face, 96 x 96, grey, near is bright. Null when none was kept."
    )
    photo: str | None = Field(description="Base64: the picture, where photos are kept.")
    photo_type: str | None
    user_id: str | None = Field(description="Who was claimed; null when nobody of that id is enrolled.")


@router.get("")
async def list_spoofs(
    service: Served,
    caller: RecordReader,
    before: Annotated[int | None, Query(ge=1, le=MAX_SEQUENCE)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> SpoofPage:
    """Suspected spoofs, the newest first. That somebody looked is on record, too."""
    found = await service.read_spoofs.page(before=before, limit=limit, caller=caller)
    last = found[-1][0].sequence if found else 0
    return SpoofPage(
        records=[SpoofRecord(**record_of(record).model_dump(), evidence=kept) for record, kept in found],
        next_before=last if len(found) == limit and last > 1 else None,
    )


@router.get("/{sequence}", responses={404: {"model": Problem}})
async def show_spoof(
    service: Served, caller: RecordReader, sequence: Annotated[int, Path(ge=1, le=MAX_SEQUENCE)]
) -> SpoofShown:
    """One of them, with what was kept of it. That somebody looked at it is on record."""
    return _shown(await service.read_spoofs.show(sequence, caller=caller))


def _shown(spoof: Spoof) -> SpoofShown:
    drawn = None if spoof.evidence is None else spoof.evidence.drawn
    photo = None if drawn is None else drawn.photo
    return SpoofShown(
        record=record_of(spoof.record),
        scores=_scores(spoof.record),
        depth_png=None if drawn is None else _base64(drawn.depth),
        photo=_base64(photo),
        photo_type=None if photo is None else PHOTO_TYPE,
        user_id=spoof.subject_id,
    )


def _scores(record: ChainedRecord) -> dict[str, float]:
    details = json.loads(record.body)["details"]
    return {name: float(details[name]) for name in SCORES if isinstance(details.get(name), int | float)}


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
