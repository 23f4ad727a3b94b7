"""The plugs of spoof evidence: who keeps it, who draws it, where it lies."""

from collections.abc import Collection
from typing import Protocol

from facekey.core.spoofs import Drawn, SpoofCase, SpoofEvidence


class SpoofWitness(Protocol):
    """Told of every decision that ends as a suspected spoof, after it is on record."""

    def keep(self, case: SpoofCase) -> None:
        """Keep what there is to keep, later. It never waits and never fails."""
        ...


class SpoofArtist(Protocol):
    """Makes of a picture what is kept of it."""

    async def draw(self, image: bytes) -> Drawn:
        """The depth of the face as the depth part of liveness sees it; the photo where photos are kept.

        Raises:
            ImageRefused: it can't be read.
            Overloaded: too many pictures are waiting already.
        """
        ...


class SpoofStore(Protocol):
    """Where evidence lies, sealed under the claimed person's key; it goes with them."""

    async def add(self, case: SpoofCase, drawn: Drawn) -> bool:
        """Keep it; False when there is nobody of that id, or not any more.

        Raises:
            KeyUnavailable, SealBroken: the person's key can't be opened.
            StoreUnavailable: it is not kept.
        """
        ...

    async def kept(self, sequences: Collection[int]) -> frozenset[int]:
        """Those of these decisions that there is evidence of.

        Raises:
            StoreUnavailable: it can't be known now.
        """
        ...

    async def find(self, sequence: int) -> SpoofEvidence | None:
        """The evidence of a decision; None when there is none, or not any more.

        Raises:
            KeyUnavailable, SealBroken: it can't be opened.
            StoreUnavailable: it can't be known now.
        """
        ...


class Unwitnessed:
    """Implements `SpoofWitness` where no evidence is kept."""

    def keep(self, case: SpoofCase) -> None:
        """Keep nothing."""


UNWITNESSED = Unwitnessed()
