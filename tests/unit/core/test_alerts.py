import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from facekey.core.alerts import (
    SEVERAL,
    Alert,
    AlertKind,
    RetryPolicy,
    alert_of,
    audit_broken,
    folded,
    message_of,
    one_line,
)
from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.errors import AuditBroken
from facekey.core.types import SubjectId

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WHO = "a" * 32


def event(action: str, reason: str, **details: AuditValue) -> AuditEvent:
    return AuditEvent(action, "operator:1", SubjectId("alice"), "reject", reason, AT, details)


@pytest.mark.parametrize(
    ("said", "kind", "facts"),
    [
        (
            event("authenticate", "spoof_suspected", liveness=0.04, match_evidence=3.3),
            AlertKind.SPOOF,
            {"request": "authenticate", "caught_by": "spoof_suspected", "liveness": "very low"},
        ),
        (
            event("authenticate_stream", "frames_replayed", frames=3),
            AlertKind.SPOOF,
            {"request": "authenticate_stream", "caught_by": "frames_replayed"},
        ),
        (
            event("authenticate", "unknown_subject", told="spoof_suspected", liveness=0.3),
            AlertKind.SPOOF,
            {"request": "authenticate", "caught_by": "spoof_suspected", "liveness": "low"},
        ),
        (
            event("identify", "spoof_suspected", liveness=0.51),
            AlertKind.SPOOF,
            {"request": "identify", "caught_by": "spoof_suspected", "liveness": "near the threshold"},
        ),
        (
            event("lock_out", "too_many_failures", of="user", failures=50, secret="no"),
            AlertKind.LOCK_OUT,
            {"of": "user", "failures": "50"},
        ),
        (
            event("bias_alarm", "worse", attribute="age", group="60+", score=0.3),
            AlertKind.BIAS_ALARM,
            {"attribute": "age", "group": "60+"},
        ),
        (event("refresh", "refresh_token_reused"), AlertKind.TOKEN_REUSED, {}),
    ],
)
def test_what_operators_are_told_of(said: AuditEvent, kind: AlertKind, facts: dict[str, str]) -> None:
    alert = alert_of(said, WHO)
    assert alert is not None
    assert (alert.kind, alert.facts, alert.at, alert.actor) == (kind, facts, AT, "operator:1")
    assert alert.subject == (WHO if kind in (AlertKind.SPOOF, AlertKind.LOCK_OUT) else None)


@pytest.mark.parametrize(
    "said",
    [
        event("authenticate", "no_match", told="no_match", liveness=0.9),
        event("authenticate", "live_match"),
        event("authenticate_stream", "face_lost"),
        event("unlock", "asked", of="user"),
    ],
)
def test_all_else_is_no_alert(said: AuditEvent) -> None:
    assert alert_of(said, WHO) is None


def test_many_alerts_are_one_message() -> None:
    first = Alert(AlertKind.SPOOF, AT, "operator:1", WHO, {"liveness": "low", "request": "authenticate"})
    message = message_of(first, "uid")
    assert message.title == "1 spoof attempt refused"
    for minute in range(36):
        later = Alert(AlertKind.SPOOF, AT + timedelta(seconds=15 * minute), "operator:1", WHO, first.facts)
        message = folded(message, later)
    assert (message.count, message.actor) == (37, "operator:1")
    assert message.title == "37 spoof attempts refused in 9 minutes"
    other = Alert(AlertKind.SPOOF, AT + timedelta(hours=3), "api_key:2", WHO, {"liveness": "very low"})
    message = folded(message, other)
    assert (message.actor, message.facts) == (SEVERAL, {"liveness": SEVERAL, "request": SEVERAL})
    assert (message.first_at, message.last_at) == (AT, AT + timedelta(hours=3))
    assert message.title == "38 spoof attempts refused in 3 hours"


@pytest.mark.parametrize(("seconds", "said"), [(0, "in 1 second"), (1, "in 1 second"), (90, "in 90 seconds")])
def test_short_times(seconds: int, said: str) -> None:
    first = Alert(AlertKind.LOCK_OUT, AT, "system", None, {})
    last = Alert(AlertKind.LOCK_OUT, AT + timedelta(seconds=seconds), "system", None, {})
    assert folded(message_of(first, "uid"), last).title.endswith(said)


def test_every_kind_has_its_words() -> None:
    for kind in AlertKind:
        message = message_of(Alert(kind, AT, "system", None, {}), "uid")
        assert message.title.startswith("1 ")
        assert len(message.advice) > 20


def test_a_break_of_the_log_names_the_record() -> None:
    alert = audit_broken(AuditBroken(17, "its content was changed"), AT)
    assert (alert.kind, alert.facts) == (AlertKind.AUDIT_BROKEN, {"record": "17"})


NASTY = [
    "a\r\nBcc: eve@example.org",
    "a\nb",
    "a\x0b\x0c\x1c\x1d\x1e\x85b",
    "a\u2028b\u2029c",
    "a\u202eb",
    "a\x00b",
    "a\ud800b",
    "x" * 5000,
]


@pytest.mark.parametrize("text", NASTY)
def test_text_stays_in_its_line(text: str) -> None:
    clean = one_line(text, 80)
    assert len(clean) <= 80
    assert len(clean.splitlines()) == 1
    assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in clean)
    alert = alert_of(event("lock_out", "too_many_failures", of=text), WHO)
    assert alert is not None
    assert alert.facts["of"] == clean


def test_harmless_text_stays_as_it_is() -> None:
    assert one_line("Jürgen O'Neil-東京 <b>", 80) == "Jürgen O'Neil-東京 <b>"


def test_waits_grow_and_end() -> None:
    policy = RetryPolicy(first_s=5.0, longest_s=60.0, tries=6, jitter=0.2)
    assert [policy.wait_s(tries, 0.5) for tries in range(1, 7)] == [5.0, 10.0, 20.0, 40.0, 60.0, None]
    assert policy.wait_s(1, 0.0) == pytest.approx(4.0)
    assert policy.wait_s(1, 1.0) == pytest.approx(6.0)
    patient = RetryPolicy()
    waits = [patient.wait_s(tries, 0.5) or 0.0 for tries in range(1, patient.tries)]
    assert 20 * 3600 < sum(waits) < 28 * 3600, "about a day"
    assert RetryPolicy(tries=10_000).wait_s(9_999, 0.5) == 900.0
