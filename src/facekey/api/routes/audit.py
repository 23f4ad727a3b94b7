"""The audit log, for operators: look up, verify, export. Each request is on record itself."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from facekey.api.access import DESCRIBED, RecordReader, credential_of
from facekey.api.address import client_address
from facekey.api.deps import Served
from facekey.api.lasting import ENDS, Lasting, LastingResponse, lasting_place
from facekey.api.rate import network_of
from facekey.core.audit import ChainedRecord
from facekey.core.caller import Permission
from facekey.core.errors import AuditBroken
from facekey.core.identifiers import parse_subject_id
from facekey.core.ports.audit import AuditQuery
from facekey.services.read_audit import ACTION as READ_AUDIT

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], dependencies=[DESCRIBED])
keys = APIRouter(tags=["audit"])

MAX_PAGE = 500
MAX_SEQUENCE = 2**63 - 1
WORD = r"^[a-z0-9_]{1,64}$"
NDJSON = "application/x-ndjson"


class RecordsWanted(BaseModel):
    """Which records to show."""

    before: Annotated[int, Field(ge=1, le=MAX_SEQUENCE)] | None = Field(
        default=None, description="Only records older than this one."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    action: Annotated[str, Field(pattern=WORD)] | None = None
    outcome: Annotated[str, Field(pattern=WORD)] | None = None
    reason: Annotated[str, Field(pattern=WORD)] | None = None
    without_reads: bool = Field(default=False, description="Leave out that somebody read this log.")
    user_id: str | None = Field(default=None, description="Only records about this person.")
    since: AwareDatetime | None = Field(default=None, description="Not older than this.")
    until: AwareDatetime | None = Field(default=None, description="Older than this.")

    def query(self) -> AuditQuery:
        """The same in the words of the domain."""
        return AuditQuery(
            self.limit,
            before=self.before,
            action=self.action,
            outcome=self.outcome,
            reasons=() if self.reason is None else (self.reason,),
            without=READ_AUDIT if self.without_reads else None,
            subject_id=None if self.user_id is None else parse_subject_id(self.user_id),
            since=None if self.since is None else self.since.astimezone(UTC),
            until=None if self.until is None else self.until.astimezone(UTC),
        )


class AuditRecord(BaseModel):
    """One record."""

    sequence: int
    at: datetime
    action: str
    actor: str
    subject: str | None = Field(description="Pseudonym of the person that it is about.")
    outcome: str
    reason: str
    details: dict[str, str | int | float | bool | None]
    digest: str = Field(description="Hash of the record, hex.")


class AuditPage(BaseModel):
    """Some of the records, the newest first."""

    records: list[AuditRecord]
    next_before: int | None = Field(description="Give it as `before` for the next page; null on the last.")


class AuditReport(BaseModel):
    """What a check of all of the log found."""

    intact: bool
    records: int = Field(description="How many were checked; up to the first that doesn't add up.")
    fault: str | None = Field(description="What doesn't add up, and where.")
    sealed: bool = Field(description="The end of the log is the one that the deployment sealed.")
    checkpoints: int = Field(description="Signatures that were checked.")
    signed_up_to: int = Field(description="Up to this record, checkpoints vouch for the log.")


@router.get("")
async def list_records(
    service: Served, caller: RecordReader, wanted: Annotated[RecordsWanted, Query()]
) -> AuditPage:
    """Records, the newest first. That somebody looked is a record, too."""
    found = await service.read_audit.find(wanted.query(), caller=caller)
    more = len(found) == wanted.limit and found[-1].sequence > 1
    return AuditPage(
        records=[record_of(record) for record in found], next_before=found[-1].sequence if more else None
    )


@router.get("/verify")
async def verify(service: Served, caller: RecordReader) -> AuditReport:
    """Check every link, the sealed end and every checkpoint. Reads all of the log; one at a time."""
    try:
        found = await service.read_audit.verify(caller=caller)
    except AuditBroken as broken:
        return AuditReport(
            intact=False,
            records=max(0, broken.sequence - 1),
            fault=str(broken),
            sealed=False,
            checkpoints=0,
            signed_up_to=0,
        )
    return AuditReport(
        intact=True,
        records=found.head.sequence,
        fault=None,
        sealed=found.sealed,
        checkpoints=found.checkpoints,
        signed_up_to=found.signed_up_to,
    )


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One object a line"}
    },
)
async def export(service: Served, caller: RecordReader) -> StreamingResponse:
    """All of the log as JSON lines; verify it with `facekey audit verify --file`."""
    lines = await service.read_audit.export(caller=caller)
    return StreamingResponse(
        _ended(lines),
        media_type=NDJSON,
        headers={"Content-Disposition": 'attachment; filename="facekey-audit.jsonl"'},
    )


@router.get(
    "/live",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {NDJSON: {"schema": {"type": "string"}}},
            "description": "One record a line; an empty line every ten seconds",
        }
    },
)
async def live(
    request: Request,
    service: Served,
    caller: RecordReader,
    after: Annotated[
        int | None,
        Query(ge=0, le=MAX_SEQUENCE, description="Begin behind this record; left out, with the next one."),
    ] = None,
    without_reads: Annotated[bool, Query(description="Leave out that somebody read this log.")] = False,
) -> StreamingResponse:
    """Records as they are written, the oldest first. Ends after ten minutes: open it again with `after`."""
    address = client_address(request.scope)
    held = lasting_place(request.app.state.lasting_places, network_of(address))
    with held:
        found = await service.follow_audit.open(after, caller=caller)
        kept = held.pop_all()

    async def still_allowed() -> None:
        known = await service.know_caller(credential_of(request.scope), address=address)
        known.require(Permission.READ_RECORDS)

    lasting = Lasting(service.stream.ticker, still_allowed)
    request.scope["state"][ENDS] = lasting.ended.set

    def line(record: ChainedRecord) -> bytes | None:
        shown = record_of(record)
        if without_reads and shown.action == READ_AUDIT:
            return None
        return shown.model_dump_json().encode() + b"\n"

    return LastingResponse(lasting.lines(found, line), kept, media_type=NDJSON)


class PemFile(PlainTextResponse):
    """Keys in the form that openssl reads."""

    media_type = "application/x-pem-file"


@keys.get("/.well-known/facekey-audit-keys.pem", response_class=PemFile)
async def public_keys(service: Served) -> PemFile:
    """Public keys that checkpoints and erasure receipts are verified with."""
    return PemFile(service.audit_keys)


async def _ended(lines: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield line.encode() + b"\n"


def record_of(record: ChainedRecord) -> AuditRecord:
    """A record as it is shown."""
    return AuditRecord(sequence=record.sequence, digest=record.digest.hex(), **json.loads(record.body))
