from datetime import UTC, datetime, timedelta

import pytest

from facekey.core.attempts import AttemptPolicy, Failures
from facekey.core.errors import AttemptsExhausted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = AttemptPolicy()


def after(failures: int, policy: AttemptPolicy = POLICY) -> Failures:
    counted: Failures | None = None
    for _ in range(failures):
        counted = policy.failed(counted, NOW)
    assert counted is not None
    return counted


@pytest.mark.parametrize("failures", [1, 4])
def test_a_few_failures_cost_nothing(failures: int) -> None:
    POLICY.admit(after(failures), NOW)


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (49, 3600)]
)
def test_each_further_failure_doubles_the_wait_up_to_an_hour(failures: int, wait_s: int) -> None:
    counted = after(failures)
    with pytest.raises(AttemptsExhausted) as refused:
        POLICY.admit(counted, NOW)
    assert (refused.value.retry_after_s, refused.value.locked) == (wait_s, False)
    POLICY.admit(counted, NOW + timedelta(seconds=wait_s))


def test_fifty_lock_for_good() -> None:
    counted = after(50)
    for years in (0, 10):
        with pytest.raises(AttemptsExhausted) as refused:
            POLICY.admit(counted, NOW + timedelta(days=366 * years))
        assert refused.value.locked
    later = NOW + timedelta(days=366)
    assert POLICY.failed(counted, later).locked_at == later, "a lock is never forgotten"


def test_a_quiet_day_forgets_failures() -> None:
    counted = after(20)
    assert POLICY.failed(counted, NOW + timedelta(days=1)).count == 1
    assert POLICY.failed(counted, NOW + timedelta(hours=23)).count == 21


def test_a_success_clears_a_user_and_takes_back_one_failure_of_an_address() -> None:
    assert POLICY.succeeded(after(4), shared=False) is None
    assert POLICY.succeeded(after(4), shared=True) == Failures(3, NOW)
    assert POLICY.succeeded(after(1), shared=True) is None
    assert POLICY.succeeded(None, shared=True) is None


def test_no_number_of_failures_overflows() -> None:
    policy = AttemptPolicy(locked_at=5000)
    assert policy.failed(Failures(4000, NOW), NOW).wait_until == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "limits",
    [
        {"waits_from": 0},
        {"waits_from": 50},
        {"first_wait_s": 0.0},
        {"first_wait_s": 7200.0},
        {"forgotten_s": 60.0},
        {"first_wait_s": float("nan")},
    ],
)
def test_limits_that_limit_nothing_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="attempt limits"):
        AttemptPolicy(**limits)  # type: ignore[arg-type]
