"""Assess: can this photo be used for an enrolment?

Nothing is compared, kept or put on record. Whether the face is live isn't looked at either:
an answer to that, asked as often as one likes, would teach how to make a spoof that passes.
"""

from dataclasses import dataclass

from facekey.core.errors import SampleRejected
from facekey.core.ports.vision import Assessor
from facekey.core.types import Quality, Reason, Region


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one photo is good for.

    Attributes:
        reason: what must be mended first; None when the photo can be used.
        quality: None when there is no face, or nobody is clearly meant.
        face: where the face is; None likewise.
    """

    reason: Reason | None
    quality: Quality | None
    face: Region | None


class Assess:
    """One photo, one verdict on its quality."""

    def __init__(self, *, assessor: Assessor) -> None:
        """Take who looks at photos."""
        self._assessor = assessor

    async def __call__(self, image: bytes) -> Assessment:
        """Look at one photo.

        Raises:
            ImageRefused: it can't be read.
            Overloaded: too many pictures are waiting already.
        """
        try:
            seen = await self._assessor.assess(image)
        except SampleRejected as rejection:
            return Assessment(rejection.reason, rejection.quality, rejection.face)
        return Assessment(None, seen.quality, seen.face)
