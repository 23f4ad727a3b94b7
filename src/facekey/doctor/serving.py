"""The production list inside a running service: the same checks, in the same words."""

import asyncio
from collections.abc import Sequence
from typing import get_args

from facekey.api.examined import Doctor, Item, State
from facekey.core.ports.clocks import Ticker
from facekey.doctor.examination import Check, Patient, Result, examine
from facekey.doctor.production import PRODUCTION
from facekey.settings import Settings
from facekey.wiring.clocks import MonotonicTicker, SystemClock

TIMEOUT_S = 10.0
SLOW = frozenset({"models", "backup"})
"""They read gigabytes, and what they look at doesn't change by the minute."""

SLOW_EVERY_S = 3600.0
NEEDS_ADDRESS = "headers"
"""Asks the service from outside; without an address there is nobody to ask, which is no fault."""

STATES: dict[str, State] = {str(state): state for state in get_args(State)}


def make_doctor(settings: Settings, *, url: str | None = None) -> Doctor:
    """What examines a service with these settings.

    Args:
        settings: of the running service.
        url: where it answers, when that is known; None takes FACEKEY_PUBLIC_URL.
    """
    clock, ticker = SystemClock(), MonotonicTicker()
    patient = Patient(settings=settings, clock=clock, url=url)
    return Doctor(FromInside(patient, PRODUCTION, ticker=ticker), clock=clock, ticker=ticker)


class FromInside:
    """Implements `api.examined.Examination`."""

    def __init__(
        self,
        patient: Patient,
        checks: Sequence[Check],
        *,
        ticker: Ticker,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Take the list; what can't be asked from inside is left out."""
        known = patient.url or patient.settings.public_url
        self._patient = patient
        self._checks = [check for check in checks if known or check.name != NEEDS_ADDRESS]
        self._ticker = ticker
        self._timeout_s = timeout_s
        self._slow: dict[str, list[Result]] = {}
        self._slow_s = 0.0

    async def __call__(self) -> list[Item]:
        """Every finding, in the order of the list; those of slow checks may be an hour old."""
        now_s = self._ticker.seconds()
        if now_s - self._slow_s >= SLOW_EVERY_S:
            self._slow = {}
        due = [check for check in self._checks if check.name not in self._slow]
        # In a thread with a loop of its own: some checks wait for files and key services without
        # giving way, and one of them asks this very service.
        found = await asyncio.to_thread(self._examine, due)
        fresh = {check.name: [one for one in found if one.name == check.name] for check in due}
        if not self._slow:
            self._slow, self._slow_s = {name: fresh[name] for name in SLOW & fresh.keys()}, now_s
        results = {**self._slow, **fresh}
        return [_item(result) for check in self._checks for result in results[check.name]]

    def _examine(self, checks: Sequence[Check]) -> list[Result]:
        return asyncio.run(examine(self._patient, checks, timeout_s=self._timeout_s))


def _item(result: Result) -> Item:
    finding = result.finding
    return Item(result.name, STATES[str(finding.state)], finding.said, finding.mend or None)
