from datetime import UTC, datetime, timedelta

import pytest

from facekey.core.consent import (
    FOR_GOOD,
    Consent,
    ConsentGiven,
    ConsentRule,
    ends_at,
    has_lapsed,
    why_absent,
)
from facekey.core.errors import RequestInvalid
from facekey.core.types import SubjectId, Template

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def consent(
    expires_at: datetime | None = None, withdrawn_at: datetime | None = None, purpose: str = "door"
) -> Consent:
    return Consent("c", ConsentGiven(purpose, "v1", expires_at), NOW, withdrawn_at)


@pytest.mark.parametrize(
    ("consents", "ends"),
    [
        ([], None),
        ([consent()], FOR_GOOD),
        ([consent(LATER)], LATER),
        ([consent(LATER, NOW)], NOW),
        ([consent(NOW), consent(LATER)], LATER),
        ([consent(purpose="bias_monitoring")], None),
        ([consent(NOW), consent(purpose="bias_monitoring")], NOW),
    ],
)
def test_the_last_to_recognition_counts(consents: list[Consent], ends: datetime | None) -> None:
    assert ends_at(consents) == ends


@pytest.mark.parametrize(
    ("until", "rule", "lapsed"),
    [
        (None, ConsentRule.OPTIONAL, False),
        (None, ConsentRule.REQUIRED, True),
        (LATER, ConsentRule.OPTIONAL, False),
        (LATER, ConsentRule.REQUIRED, False),
        (NOW, ConsentRule.OPTIONAL, True),
        (NOW, ConsentRule.REQUIRED, True),
    ],
)
def test_who_may_not_be_compared(until: datetime | None, rule: ConsentRule, lapsed: bool) -> None:
    assert has_lapsed(until, rule, NOW) is lapsed
    absent = why_absent(Template(SubjectId("a"), (), until), rule, NOW)
    assert absent == ("consent_lapsed" if lapsed else None)


def test_nobody_is_unknown() -> None:
    assert why_absent(None, ConsentRule.OPTIONAL, NOW) == "unknown_subject"


@pytest.mark.parametrize(
    "given",
    [
        ConsentGiven("", "v1"),
        ConsentGiven("  ", "v1"),
        ConsentGiven("door", ""),
        ConsentGiven("d" * 129, "v1"),
        ConsentGiven("door", "v" * 65),
        ConsentGiven("door\nopener", "v1"),
        ConsentGiven("door", "v1", NOW),
    ],
)
def test_consents_that_say_nothing(given: ConsentGiven) -> None:
    with pytest.raises(RequestInvalid):
        given.require_sound(NOW)
