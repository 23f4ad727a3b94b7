"""Checks and their findings: each runs by itself, in its time, and none stops another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from facekey.core.errors import FaceKeyError, Unavailable
from facekey.core.ports.clocks import Clock
from facekey.settings import Settings


class State(StrEnum):
    """How one item is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    """It could not be checked, which is not the same as fit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        said: one sentence; no secret and no address with a password.
        mend: what to do; empty when there is nothing.
    """

    state: State
    said: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined, and with what.

    Attributes:
        url: where the running service answers; None takes FACEKEY_PUBLIC_URL.
        backup: a file to restore from, or the URL of a database restored from one.
        env_file: where the settings were read from, if it is there.
        full: take the time that it takes, such as for all of the audit log.
    """

    settings: Settings
    clock: Clock
    url: str | None = None
    backup: str | None = None
    env_file: Path = Path(".env")
    full: bool = False


Look = Callable[[Patient], Awaitable[list[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One item of the list."""

    name: str
    look: Look


@dataclass(frozen=True, slots=True)
class Result:
    """One finding, and the item that it belongs to."""

    name: str
    finding: Finding


def ok(said: str) -> list[Finding]:
    """Nothing to do."""
    return [Finding(State.OK, said)]


def warn(said: str, mend: str) -> list[Finding]:
    """It works, and could be better."""
    return [Finding(State.WARN, said, mend)]


def fail(said: str, mend: str) -> list[Finding]:
    """Not fit for production."""
    return [Finding(State.FAIL, said, mend)]


def unknown(said: str, mend: str) -> list[Finding]:
    """It could not be checked."""
    return [Finding(State.UNKNOWN, said, mend)]


async def examine(patient: Patient, checks: Sequence[Check], *, timeout_s: float) -> list[Result]:
    """Run every check, side by side; the findings come in the order of the list."""
    found = await asyncio.gather(*(_look(patient, check, timeout_s) for check in checks))
    return [
        Result(check.name, finding)
        for check, findings in zip(checks, found, strict=True)
        for finding in findings
    ]


async def _look(patient: Patient, check: Check, timeout_s: float) -> list[Finding]:
    try:
        async with asyncio.timeout(timeout_s):
            return await check.look(patient)
    except TimeoutError:
        return unknown(
            f"no answer within {timeout_s:g} s", "see that it is reachable, or give it more time: --timeout"
        )
    except Unavailable as error:
        return unknown(str(error), "see that it runs and can be reached from here, and run this again")
    except FaceKeyError as error:
        return fail(str(error), "mend what is named")
    except Exception as error:  # noqa: BLE001 - one check must not take the others with it
        # The kind alone: what a driver says may hold an address and its password.
        return unknown(
            f"could not be checked: {type(error).__name__}", "run this again; if it stays, report it"
        )


def verdict(results: Sequence[Result]) -> State:
    """Of all together: the worst of them, where a failure is worse than not knowing."""
    states = {result.finding.state for result in results}
    for state in (State.FAIL, State.UNKNOWN, State.WARN):
        if state in states:
            return state
    return State.OK
