import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from facekey.core.audit import Anchor, ChainedRecord, Head, chain
from facekey.core.audit_lines import (
    checkpoint_line,
    export_lines,
    parse_line,
    read_checkpoints,
    record_line,
    verify_lines,
)
from facekey.core.audit_statements import Checkpoint, checkpoint_statement
from facekey.core.errors import AuditBroken
from facekey.credentials.signatures import Ed25519Signer
from tests.unit.core.test_audit import records

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SIGNER, OTHER = Ed25519Signer([b"1" * 32]), Ed25519Signer([b"2" * 32])
RECORDS = records(6)


def checkpoint(record: ChainedRecord, signer: Ed25519Signer = SIGNER) -> Checkpoint:
    head = Head(record.sequence, record.digest)
    return Checkpoint(head, NOW, signer.sign(checkpoint_statement(head, NOW)))


async def stored() -> AsyncIterator[ChainedRecord]:
    for record in RECORDS:
        yield record


@pytest.fixture
async def lines() -> list[str]:
    """Six records with checkpoints after the third and the last."""
    checkpoints = [checkpoint(RECORDS[2]), checkpoint(RECORDS[5])]
    return [line async for line in export_lines(stored(), checkpoints)]


def test_an_export_verifies(lines: list[str]) -> None:
    assert [json.loads(line)["type"] for line in lines] == [
        *["record"] * 3,
        "checkpoint",
        *["record"] * 3,
        "checkpoint",
    ]
    found = verify_lines(lines, verifier=SIGNER.public)
    assert (found.head, found.checkpoints, found.signed_up_to) == (Head(6, RECORDS[5].digest), 2, 6)
    found = verify_lines(lines, verifier=None)
    assert (found.head.sequence, found.checkpoints, found.signed_up_to) == (6, 0, 0), "nothing is claimed"


def rewritten(lines: list[str]) -> list[str]:
    """A change in the fifth record, with all hashes after it made anew."""
    fifth = chain(5, RECORDS[4].body.replace("no_match", "live_match"), RECORDS[3].digest)
    sixth = chain(6, RECORDS[5].body, fifth.digest)
    return [*lines[:5], record_line(fifth), record_line(sixth)]


def resigned(lines: list[str]) -> list[str]:
    parsed = parse_line(rewritten(lines)[-1], 1)
    assert isinstance(parsed, ChainedRecord)
    return [*rewritten(lines), checkpoint_line(checkpoint(parsed, OTHER))]


def kept_signature(lines: list[str]) -> list[str]:
    new = json.loads(rewritten(lines)[-1])
    return [*rewritten(lines), json.dumps({**json.loads(lines[7]), "digest": new["digest"]})]


def longer(lines: list[str]) -> list[str]:
    return [*lines, record_line(chain(7, "{}", RECORDS[5].digest))]


@pytest.mark.parametrize(
    ("tamper", "found_at"),
    [
        (lambda lines: lines[1:], 1),
        (lambda lines: lines[4:], 1),
        (lambda lines: [*lines[:5], *lines[6:]], 5),
        (lambda lines: [*lines[:2], lines[2], *lines[2:]], 3),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: lines[:-1], 4),
        (lambda lines: lines[:-2], 4),
        (lambda lines: lines[:2], 1),
        (rewritten, 4),
        (lambda lines: [*rewritten(lines), lines[7]], 6),
        (resigned, 6),
        (kept_signature, 6),
        (longer, 7),
        (lambda lines: [*lines[:3], lines[7], *lines[4:]], 6),
        (lambda lines: [*lines[:3], "{}", *lines[4:]], 4),
        (lambda lines: ["[]", *lines], 1),
        (lambda lines: ["not json", *lines], 1),
        (lambda lines: [lines[0].replace('"record"', '"other"'), *lines[1:]], 1),
        (lambda lines: [lines[0].replace('"sequence":1', '"sequence":"1"'), *lines[1:]], 1),
        (lambda lines: [*lines[:3], lines[3].replace('"sequence":3', '"sequence":"3"')], 4),
    ],
)
def test_whatever_is_changed_in_an_export_is_found_and_named(
    lines: list[str], tamper: Callable[[list[str]], list[str]], found_at: int
) -> None:
    with pytest.raises(AuditBroken) as broken:
        verify_lines(tamper(lines), verifier=SIGNER.public)
    assert broken.value.sequence == found_at


def test_an_older_export_is_told_from_this_one_by_kept_checkpoints(lines: list[str]) -> None:
    kept = read_checkpoints([lines[3], lines[7]], SIGNER.public)
    verify_lines(lines, verifier=SIGNER.public, anchors=[one.anchor for one in kept])
    older = lines[:4]
    verify_lines(older, verifier=SIGNER.public)
    with pytest.raises(AuditBroken, match="record 4: missing, with all after it; the checkpoint"):
        verify_lines(older, verifier=SIGNER.public, anchors=[one.anchor for one in kept])


def test_a_file_of_checkpoints_holds_checkpoints_that_were_signed(lines: list[str]) -> None:
    with pytest.raises(AuditBroken, match="no checkpoint"):
        read_checkpoints(lines, SIGNER.public)
    forged = checkpoint_line(checkpoint(RECORDS[0], OTHER))
    with pytest.raises(AuditBroken, match="can't be trusted"):
        read_checkpoints([forged], SIGNER.public)
    assert len(read_checkpoints([forged], None)) == 1


def test_an_anchor_is_held_against_its_own_record() -> None:
    lines = [record_line(record) for record in RECORDS]
    good = [Anchor(2, RECORDS[1].digest, "a receipt"), Anchor(2, RECORDS[1].digest, "another")]
    assert verify_lines(lines, verifier=None, anchors=good).head.sequence == 6
    with pytest.raises(AuditBroken, match="from record 3 on") as broken:
        verify_lines(lines, verifier=None, anchors=[*good, Anchor(4, RECORDS[1].digest, "a receipt")])
    assert broken.value.sequence == 4


def test_signatures_of_checkpoints_cover_their_time() -> None:
    moved = replace(checkpoint(RECORDS[0]), at=datetime(2026, 1, 3, tzinfo=UTC))
    with pytest.raises(AuditBroken):
        read_checkpoints([checkpoint_line(moved)], SIGNER.public)
