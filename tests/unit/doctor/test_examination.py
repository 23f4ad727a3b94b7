"""Checks side by side: one that fails, hangs or breaks stops no other and shows no secret."""

import asyncio

import pytest

from facekey.core.errors import FaceKeyError, SettingsInvalid, StoreUnavailable
from facekey.doctor.examination import (
    Check,
    Finding,
    Patient,
    Result,
    State,
    examine,
    fail,
    ok,
    unknown,
    verdict,
    warn,
)
from tests.unit.doctor.conftest import Make


def raising(error: Exception) -> Check:
    async def look(patient: Patient) -> list[Finding]:
        raise error

    return Check("it", look)


async def fine(patient: Patient) -> list[Finding]:
    return ok("fine")


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (StoreUnavailable("away"), State.UNKNOWN, "away"),
        (SettingsInvalid("wrong"), State.FAIL, "wrong"),
        (FaceKeyError("broken"), State.FAIL, "broken"),
        (ValueError("postgresql://user:5ec7e7@host"), State.UNKNOWN, "could not be checked: ValueError"),
        (OSError("5ec7e7"), State.UNKNOWN, "could not be checked: OSError"),
    ],
)
async def test_a_check_that_raises(make: Make, error: Exception, state: State, said: str) -> None:
    results = await examine(make(), [raising(error), Check("other", fine)], timeout_s=1.0)
    assert [result.name for result in results] == ["it", "other"]
    assert (results[0].finding.state, results[0].finding.said) == (state, said)
    assert results[0].finding.mend
    assert "5ec7e7" not in str(results)
    assert results[1].finding.state is State.OK


async def test_a_check_that_hangs(make: Make) -> None:
    async def hang(patient: Patient) -> list[Finding]:
        await asyncio.Event().wait()
        return []

    results = await examine(make(), [Check("it", hang), Check("other", fine)], timeout_s=0.01)
    assert [result.finding.state for result in results] == [State.UNKNOWN, State.OK]
    assert "--timeout" in results[0].finding.mend


@pytest.mark.parametrize(
    ("findings", "worst"),
    [
        ([*ok("a"), *ok("b")], State.OK),
        ([*ok("a"), *warn("b", "c")], State.WARN),
        ([*unknown("a", "b"), *warn("b", "c")], State.UNKNOWN),
        ([*unknown("a", "b"), *fail("b", "c"), *warn("d", "e")], State.FAIL),
    ],
)
def test_the_worst_counts(findings: list[Finding], worst: State) -> None:
    assert verdict([Result("it", finding) for finding in findings]) is worst
