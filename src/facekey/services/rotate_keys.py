"""Rotate keys: everything that an older root key protects comes under the current one."""

from collections.abc import Callable

from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller
from facekey.core.errors import KeyUnavailable, SealBroken
from facekey.core.ports.audit import AuditLog
from facekey.core.ports.clocks import Clock
from facekey.core.ports.keys import WrappedKeys
from facekey.core.root_keys import KeyUse, Rotation

MOST_PASSES = 10
"""A service that still seals with an old key makes new work all the time; somewhere it is said so."""

Report = Callable[[int, int], None]
"""Takes the number of records that were looked at, and of those there are to look at."""


class RotateKeys:
    """Wraps data keys again, while the service runs. Templates themselves are not touched."""

    def __init__(self, *, keys: WrappedKeys, audit: AuditLog, clock: Clock) -> None:
        """Take the records to wrap again and the log that is told of it."""
        self._keys = keys
        self._audit = audit
        self._clock = clock

    async def __call__(self, *, caller: Caller, report: Report) -> Rotation:
        """Wrap again until nothing is left under another key.

        (1) Put on record that it begins; (2) go over all records, again and again until there
        is nothing more to do, because registrations go on meanwhile; (3) count what is left,
        and put that on record; (4) drop the old forms from the files. What is done stays
        done: after a kill or an error the next run finds only the rest.

        Raises:
            KeyUnavailable: records are left under other keys: lost ones, or ones that a running
                service still seals with.
            SealBroken: records are left that were changed since they were written.
            StoreUnavailable: the database did not answer.
        """
        # (1)
        before = _stale(await self._keys.uses())
        await self._record("begun", {"stale": before}, caller)
        # (2)
        rewrapped = broken = 0
        for _ in range(MOST_PASSES):
            progress = looked_at = broken = 0
            async for some in self._keys.rewrap():
                progress += some.done
                broken += some.broken
                looked_at += some.done + some.gone + some.without_key + some.broken
                report(rewrapped + looked_at, max(before, rewrapped + looked_at))
            rewrapped += progress
            if progress == 0:
                break
        # (3)
        uses = await self._keys.uses()
        left = _stale(uses)
        outcome = "incomplete" if left else "rotated"
        await self._record(outcome, {"rewrapped": rewrapped, "left": left, "broken": broken}, caller)
        # (4)
        await self._keys.forget_old_forms()
        if left:
            raise _why(uses, rewrapped, broken)
        return Rotation(rewrapped, uses)

    async def _record(self, outcome: str, details: dict[str, AuditValue], caller: Caller) -> None:
        at = self._clock.now()
        event = AuditEvent("keys_rotate", caller.actor, None, outcome, "requested", at, details)
        await self._audit.append(event)


def _stale(uses: tuple[KeyUse, ...]) -> int:
    return sum(use.records for use in uses if not use.current)


def _why(uses: tuple[KeyUse, ...], rewrapped: int, broken: int) -> KeyUnavailable | SealBroken:
    """The worst reason why records are left under other keys."""
    done = f"{rewrapped} records were wrapped again"
    lost = [use for use in uses if not use.at_hand]
    if lost:
        named = ", ".join(f"{use.records} under key {use.key_id} (version {use.version})" for use in lost)
        return KeyUnavailable(
            f"the rotation is not complete: {done}, but the key of others is not at hand: {named}. "
            "Restore it from your secret store and run this again"
        )
    if broken:
        return SealBroken(f"the rotation is not complete: {done}, but {broken} were changed and don't open")
    return KeyUnavailable(
        f"the rotation is not complete: {done}, and {_stale(uses)} were written under an older key "
        "meanwhile: a running service still seals with it. Give every service the new key and run this again"
    )
