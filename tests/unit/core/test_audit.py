from dataclasses import replace
from datetime import UTC, datetime

import pytest

from facekey.core.audit import (
    GENESIS,
    AuditEvent,
    ChainedRecord,
    canonical_body,
    chain,
    pseudonym,
    verify_chain,
)
from facekey.core.errors import AuditBroken
from facekey.core.types import SubjectId

KEY = bytes(range(32))


def records(count: int) -> list[ChainedRecord]:
    made: list[ChainedRecord] = []
    for number in range(1, count + 1):
        event = AuditEvent(
            "authenticate",
            "test",
            SubjectId(f"user{number}"),
            "reject",
            "no_match",
            datetime(2026, 1, 1, tzinfo=UTC),
            {"n": number},
        )
        previous = made[-1].digest if made else GENESIS
        made.append(chain(number, canonical_body(event, KEY), previous))
    return made


def test_a_whole_chain_verifies() -> None:
    assert verify_chain(records(5)) == 5
    assert verify_chain([]) == 0


def test_names_never_appear() -> None:
    assert all("user" not in record.body for record in records(3))


def test_pseudonyms_depend_on_key_and_name() -> None:
    assert pseudonym(SubjectId("a"), KEY) == pseudonym(SubjectId("a"), KEY)
    assert pseudonym(SubjectId("a"), KEY) != pseudonym(SubjectId("b"), KEY)
    assert pseudonym(SubjectId("a"), KEY) != pseudonym(SubjectId("a"), KEY[::-1])


def changed(chained: list[ChainedRecord]) -> list[ChainedRecord]:
    body = chained[2].body.replace("no_match", "live_match")
    return [*chained[:2], replace(chained[2], body=body), *chained[3:]]


def rehashed(chained: list[ChainedRecord]) -> list[ChainedRecord]:
    body = chained[2].body.replace("no_match", "live_match")
    return [*chained[:2], chain(3, body, chained[1].digest), *chained[3:]]


def removed(chained: list[ChainedRecord]) -> list[ChainedRecord]:
    return [*chained[:2], *chained[3:]]


def swapped(chained: list[ChainedRecord]) -> list[ChainedRecord]:
    return [*chained[:2], chained[3], chained[2], *chained[4:]]


@pytest.mark.parametrize(("tamper", "found_at"), [(changed, 3), (rehashed, 4), (removed, 3), (swapped, 3)])
def test_tampering_is_found_and_named(tamper: object, found_at: int) -> None:
    with pytest.raises(AuditBroken) as broken:
        verify_chain(tamper(records(5)))  # type: ignore[operator]
    assert broken.value.sequence == found_at
