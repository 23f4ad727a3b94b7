"""Choose networks: which recognition networks decide, and which one runs in shadow.

A choice takes effect when a service starts. Nobody who is enrolled may lose by it the only
networks that know them: such a choice is refused, with their number.
"""

from collections.abc import Collection

from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.choice import Choice, Shelved
from facekey.core.errors import NetworkChoiceRefused
from facekey.core.ports.choice import Choices, Enrolled, Shelf
from facekey.core.ports.clocks import Clock

ACTION = "networks_choose"
PROMOTED, ROLLED_BACK, SHADOWED = "promoted", "rolled_back", "shadowed"
EVERY = "all measured"
NONE = "none"


class ChooseNetworks:
    """Promote, roll back, and try in shadow."""

    def __init__(self, *, choices: Choices, enrolled: Enrolled, shelf: Shelf, clock: Clock) -> None:
        """Take where choices are kept and what there is to choose from."""
        self._choices = choices
        self._enrolled = enrolled
        self._shelf = shelf
        self._clock = clock

    async def now(self) -> tuple[Choice, frozenset[str]]:
        """The choice, and the networks that decide by it.

        Raises:
            SealBroken, StoreUnavailable: it is not known.
        """
        choice = await self._choices.current()
        return choice, choice.among(self._measured())

    async def promote(self, name: str, *, instead_of: Collection[str] = (), caller: Caller) -> Choice:
        """Let a network decide, beside the others or in the place of some.

        Raises:
            NetworkChoiceRefused: it can't be used or is not measured, it decides already, or
                enrolled people would be left out.
            SealBroken, StoreUnavailable: nothing was changed.
        """
        network = self._find(name)
        if not network.recognises:
            raise NetworkChoiceRefused(
                f"{name} judges liveness: those networks decide together, at a threshold that was measured "
                "for them together; see training/combine_liveness.py"
            )
        if network.unmeasured is not None:
            raise NetworkChoiceRefused(f"{name} can't decide: {network.unmeasured}")
        before = await self._choices.current()
        after = before.promoted(name, instead_of=instead_of, measured=self._measured())
        await self._require_nobody_left_out(before, after)
        await self._choices.put(after, self._event(PROMOTED, before, after, caller))
        return after

    async def rollback(self, *, caller: Caller) -> Choice:
        """Undo the last change of the networks that decide.

        Raises:
            NetworkChoiceRefused: there was none, or it can't be undone without leaving people out.
            SealBroken, StoreUnavailable: nothing was changed.
        """
        current, before = await self._choices.current(), await self._choices.before()
        if before is None:
            raise NetworkChoiceRefused("there is nothing to roll back: the deciding networks never changed")
        missing = sorted((before.deciding or frozenset()) - set(self._measured()))
        if missing:
            raise NetworkChoiceRefused(
                f"{', '.join(missing)} decided before and can't now: "
                + "; ".join(f"{name}: {self._why(name)}" for name in missing)
            )
        await self._require_nobody_left_out(current, before)
        await self._choices.take_back(self._event(ROLLED_BACK, current, before, caller))
        return before

    async def shadow(self, name: str | None, *, caller: Caller) -> Choice:
        """Run a network in shadow from the next start on; None for none.

        Raises:
            NetworkChoiceRefused: it can't be used, or it is the last one that decides.
            SealBroken, StoreUnavailable: nothing was changed.
        """
        before = await self._choices.current()
        if name is not None:
            network = self._find(name)
            if before.deciding is not None and name in before.deciding:
                raise NetworkChoiceRefused(
                    f"{name} decides; another network is to be promoted instead of it first"
                )
            if network.recognises:
                await self._require_nobody_left_out(before, before.shadowed(name))
        after = before.shadowed(name)
        if after != before:
            await self._choices.put(after, self._event(SHADOWED, before, after, caller))
        return after

    def _find(self, name: str) -> Shelved:
        network = self._shelf.find(name)
        if network is None:
            raise NetworkChoiceRefused(f"there is no recognition or liveness network {name}")
        if network.fault is not None:
            raise NetworkChoiceRefused(f"{name} can't be used: {network.fault}")
        return network

    def _why(self, name: str) -> str:
        network = self._shelf.find(name)
        if network is None:
            return "there is no such network any more"
        return network.fault or network.unmeasured or "it is not a recognition network"

    def _measured(self) -> tuple[str, ...]:
        return tuple(network.name for network in self._shelf.measured())

    async def _require_nobody_left_out(self, before: Choice, after: Choice) -> None:
        measured = self._shelf.measured()
        now = [network.model for network in measured if before.decides(network.name)]
        then = [network.model for network in measured if after.decides(network.name)]
        if not then:
            raise NetworkChoiceRefused("no recognition network would be left to decide")
        lost = await self._enrolled.left_out(now=now, then=then)
        if lost:
            people = "person" if lost == 1 else "people"
            raise NetworkChoiceRefused(
                f"{lost} enrolled {people} would not be recognised any more: nothing of theirs is by "
                f"{', '.join(sorted(model.partition(':')[0] for model in then))}. Let the networks that "
                "know them go on deciding, or enrol them again while the new one runs in shadow"
            )

    def _event(self, outcome: str, before: Choice, after: Choice, caller: Caller) -> AuditEvent:
        return AuditEvent(
            ACTION,
            caller.actor,
            None,
            outcome,
            "requested",
            self._clock.now(),
            {
                "from": _named(before),
                "to": _named(after),
                "shadow_from": before.shadow or NONE,
                "shadow_to": after.shadow or NONE,
            },
        )


def _named(choice: Choice) -> str:
    return EVERY if choice.deciding is None else ",".join(sorted(choice.deciding))
