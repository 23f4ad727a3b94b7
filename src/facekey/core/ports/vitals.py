"""The plug of vital signs."""

from datetime import datetime
from typing import Protocol

from facekey.core.vitals import Vitals


class VitalSigns(Protocol):
    """Knows how the stores are."""

    async def read(self, *, at: datetime) -> Vitals:
        """One look.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        ...
