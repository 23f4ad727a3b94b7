"""Which recognition networks decide, and which network runs beside them without a say."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from facekey.core.errors import NetworkChoiceRefused
from facekey.core.types import ModelId


@dataclass(frozen=True, slots=True)
class Choice:
    """What a deployment chose.

    Attributes:
        deciding: recognition networks by name; None for all that are installed and measured.
        shadow: a network that is shown what the others decide by, and compared with them in
            the metrics; None for none. It never decides, whatever `deciding` says.
    """

    deciding: frozenset[str] | None = None
    shadow: str | None = None

    def decides(self, name: str) -> bool:
        """Whether a recognition network has a say, if it is there and measured."""
        return name != self.shadow and (self.deciding is None or name in self.deciding)

    def among(self, measured: Collection[str]) -> frozenset[str]:
        """The networks that decide, of those that could."""
        return frozenset(name for name in measured if self.decides(name))

    def promoted(self, name: str, *, instead_of: Collection[str], measured: Collection[str]) -> "Choice":
        """The choice in which a network decides, too.

        From then on the deciding networks are named: one that is installed later doesn't join
        by itself. The first of those that step down runs in shadow, if nothing else does, so
        that people who are enrolled meanwhile can be recognised by it after a return.

        Args:
            name: an installed and measured network.
            instead_of: networks that step down.
            measured: all that are installed and measured.

        Raises:
            NetworkChoiceRefused: it decides already, or one of the others doesn't.
        """
        now = self.among(measured)
        if name in now:
            raise NetworkChoiceRefused(f"{name} decides already")
        strangers = sorted(set(instead_of) - now)
        if strangers:
            raise NetworkChoiceRefused(
                f"{', '.join(strangers)} can't step down: deciding are {', '.join(sorted(now))}"
            )
        shadow = None if self.shadow == name else self.shadow
        if shadow is None and instead_of:
            shadow = min(instead_of)
        return Choice((now - set(instead_of)) | {name}, shadow)

    def shadowed(self, name: str | None) -> "Choice":
        """The choice in which another network, or none, runs in shadow."""
        return replace(self, shadow=name)


ALL_MEASURED = Choice()
"""Before anything was chosen: every network that is installed and measured decides."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A network as it lies there.

    Attributes:
        model: what it writes on everything it makes.
        fault: why it can't be used at all; None when it can.
        unmeasured: why it may not decide; None when it may.
        recognises: it tells people apart; otherwise it judges liveness.
    """

    name: str
    model: ModelId
    fault: str | None
    unmeasured: str | None
    recognises: bool
