"""Looking records up by why, and without those about looking."""

from datetime import UTC, datetime

import pytest

from facekey.core.audit import AuditEvent
from facekey.core.ports.audit import AuditQuery
from facekey.store.sql.audit_trail import SqlAuditView
from tests.contract.store.opened import Store

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AuditQuery(10, reasons=("no_match",)), [3]),
        (AuditQuery(10, reasons=("no_match", "spoof_suspected")), [4, 3]),
        (AuditQuery(10, reasons=("no%match",)), []),
        (AuditQuery(10, reasons=("match",)), []),
        (AuditQuery(10, without="read_audit"), [4, 3, 1]),
        (AuditQuery(10, without="read"), [4, 3, 2, 1]),
        (AuditQuery(10, without="authenticate", reasons=("requested",)), [2]),
    ],
)
async def test_reasons(store: Store, query: AuditQuery, found: list[int]) -> None:
    for action, reason in (
        ("authenticate", "live_match"),
        ("read_audit", "requested"),
        ("authenticate", "no_match"),
        ("authenticate", "spoof_suspected"),
    ):
        await store.audit.append(
            AuditEvent(action, "test", None, "done", reason, NOW, {"reason": "no_match", "told": reason})
        )
    view = SqlAuditView(store.database, pseudonym_key=store.keys.pseudonyms)
    assert [record.sequence for record in await view.find(query)] == found
