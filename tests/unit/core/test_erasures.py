import json
from datetime import UTC, datetime, timedelta

import pytest

from facekey.core.audit import AuditEvent, Head, canonical_body, chain, pseudonym
from facekey.core.audit_lines import checkpoint_line, receipt_text, record_line
from facekey.core.audit_statements import Checkpoint, ErasureStatement, Signature
from facekey.core.erasures import read_erasures
from facekey.core.types import SubjectId

KEY = b"k" * 32
AT = datetime(2026, 1, 1, tzinfo=UTC)
ALICE, BOB = SubjectId("alice"), SubjectId("bob")


def body(action: str, who: SubjectId, at: datetime = AT, outcome: str = "erased") -> str:
    return canonical_body(AuditEvent(action, "ada", who, outcome, "requested", at, {}), KEY)


def test_a_receipt_tells_of_one_erasure() -> None:
    said = ErasureStatement("p" * 32, AT, Head(1, b"d" * 32))
    assert read_erasures(receipt_text(said, Signature("k", b"s"))) == {"p" * 32: AT}


@pytest.mark.parametrize("exported", [True, False])
def test_a_log_tells_of_the_last_erasure_of_each(exported: bool) -> None:
    later = AT + timedelta(hours=1)
    bodies = [
        body("register", ALICE, outcome="enrolled"),
        body("erase", ALICE),
        body("erase", BOB, later),
        body("erase", ALICE, later),
        body("erase", ALICE, AT - timedelta(hours=1)),
    ]
    lines = bodies
    if exported:
        lines = [record_line(chain(n, one, b"0" * 32)) for n, one in enumerate(bodies, start=1)]
        lines.append(checkpoint_line(Checkpoint(Head(5, b"d" * 32), AT, Signature("k", b"s"))))
    assert read_erasures("\n".join([*lines, "", ""])) == {
        pseudonym(ALICE, KEY): later,
        pseudonym(BOB, KEY): later,
    }


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "{}",
        json.dumps({"type": "record"}),
        json.dumps({"action": "erase", "outcome": "erased", "at": "yesterday", "subject": "p"}),
        json.dumps({"action": "erase", "outcome": "erased", "at": "2026-01-01T00:00:00+00:00"}),
    ],
)
def test_what_is_no_log_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_erasures(f"{body('erase', ALICE)}\n{line}\n")
