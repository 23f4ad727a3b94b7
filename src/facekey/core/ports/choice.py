"""The plugs of choosing networks: where the choice is kept, what there is to choose from."""

from collections.abc import Collection
from typing import Protocol

from facekey.core.audit import AuditEvent
from facekey.core.choice import Choice, Shelved
from facekey.core.types import ModelId


class Choices(Protocol):
    """Where a deployment's choices are kept, the latest last."""

    async def current(self) -> Choice:
        """The latest; `ALL_MEASURED` before the first.

        Raises:
            SealBroken: it was changed by somebody who hasn't the deployment's keys.
            StoreUnavailable: it is not known.
        """
        ...

    async def before(self) -> Choice | None:
        """The latest in which other networks decided; None when there was none.

        Raises:
            SealBroken, StoreUnavailable: as for `current`.
        """
        ...

    async def put(self, choice: Choice, event: AuditEvent) -> None:
        """Keep a choice and the audit record of it: both or neither.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        ...

    async def take_back(self, event: AuditEvent) -> None:
        """Return to what `before` gives, with the audit record of it: both or neither.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        ...


class Enrolled(Protocol):
    """Who could still be recognised."""

    async def left_out(self, *, now: Collection[ModelId], then: Collection[ModelId]) -> int:
        """How many people have references of a network of `now`, and of none of `then`.

        Raises:
            StoreUnavailable: it is not known.
        """
        ...


class Shelf(Protocol):
    """The networks that are here."""

    def find(self, name: str) -> Shelved | None:
        """A network by name; None when there is no recognition or liveness network of that name."""
        ...

    def measured(self) -> tuple[Shelved, ...]:
        """All recognition networks that may decide."""
        ...
