"""Take vitals: look at the stores now and then, so that whoever reads the figures waits for nothing."""

from facekey.core.errors import Unavailable
from facekey.core.ports.clocks import Clock
from facekey.core.ports.vitals import VitalSigns
from facekey.core.vitals import Vitals


class TakeVitals:
    """Keeps the last look; run again and again in the background."""

    def __init__(self, *, signs: VitalSigns, clock: Clock) -> None:
        """Take whom to ask."""
        self._signs = signs
        self._clock = clock
        self._last: Vitals | None = None

    @property
    def last(self) -> Vitals | None:
        """The last look; None before the first, and after one that failed: old figures look well."""
        return self._last

    async def __call__(self) -> None:
        """Look once. Whoever reads meanwhile sees the look before.

        Raises:
            Unavailable: the database, or whoever knows of the keys, did not answer.
        """
        try:
            self._last = await self._signs.read(at=self._clock.now())
        except Unavailable:
            self._last = None
            raise
