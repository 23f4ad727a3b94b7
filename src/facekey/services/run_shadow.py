"""Run in shadow: a network sees what was decided on, and only the metrics hear what it says.

It begins after a decision is on record and its answer on the way, a few at a time, and not at
all while pictures wait that somebody wants an answer for. Nothing that it sees is kept.
"""

import asyncio

import structlog

from facekey.core.calibration import Calibration
from facekey.core.errors import FaceKeyError, Overloaded
from facekey.core.ports.shadow import Agreement, Seen, ShadowCase, ShadowEye, ShadowMeter
from facekey.core.similarity import likeness
from facekey.core.types import ModelId, References, Template

MOST_AT_ONCE = 4
"""Further decisions are left out; they are counted."""

log = structlog.get_logger(__name__)


class RunShadow:
    """Implements `core.ports.shadow.Shadow`, in the background."""

    def __init__(
        self,
        *,
        eye: ShadowEye,
        meter: ShadowMeter,
        threshold: float,
        calibration: Calibration | None = None,
    ) -> None:
        """Take the network and what its word is held against.

        Args:
            eye: the network.
            meter: told of every comparison.
            threshold: of a recognition network in decades of false match rate, as for those that
                decide; of a liveness network 0..1.
            calibration: of a recognition network; None until it is measured: then the scores of
                those who were matched are counted, and no agreement.
        """
        self._eye = eye
        self._meter = meter
        self._threshold = threshold
        self._calibration = calibration
        self._running: set[asyncio.Task[None]] = set()

    def watch(self, case: ShadowCase) -> None:
        """Begin to compare, or leave it out."""
        if not case.image:
            return
        if len(self._running) >= MOST_AT_ONCE:
            self._meter.dropped()
            return
        task = asyncio.create_task(self._watch(case))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Wait until nothing is being compared any more."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _watch(self, case: ShadowCase) -> None:
        try:
            # Of unknown ids, too: what it costs must not tell who is enrolled.
            self._compare(case, await self._eye.see(case.image))
        except Overloaded:
            self._meter.dropped()
        except FaceKeyError as error:
            self._meter.failed()
            log.warning("shadow_failed", model=self._eye.model_id, error=type(error).__name__)
        except Exception as error:
            # Nobody waits for this task: a defect in it would be noticed by nobody.
            self._meter.failed()
            log.error("defect", work="shadow", error=type(error).__name__, exc_info=error)  # noqa: TRY400

    def _compare(self, case: ShadowCase, seen: Seen) -> None:
        if seen.liveness is not None:
            self._count(case.live, seen.liveness >= self._threshold, seen.liveness)
            return
        references = self._references(case)
        if seen.embedding is None or references is None:
            self._count(case.matched, None, None)
            return
        score = likeness(seen.embedding, references)
        measured = self._calibration
        said = None if measured is None else measured.evidence(score) >= self._threshold
        self._count(case.matched, said, score)

    def _count(self, live_said: bool | None, shadow_said: bool | None, score: float | None) -> None:
        if live_said is None:
            return
        agreement = Agreement.UNKNOWN if shadow_said is None else _agreement(live_said, shadow_said)
        self._meter.compared(agreement, matched=live_said, score=score)

    def _references(self, case: ShadowCase) -> References | None:
        """What the network knows of the person, or of their stand-in; None when nothing can be said."""
        if case.matched:
            return _by(self._eye.model_id, case.template)
        if self._calibration is None:
            return None  # there is no stand-in, so an enrolled person must not count either
        return _by(self._eye.model_id, case.template) or _by(self._eye.model_id, case.stand_in)


def _by(model: ModelId, template: Template) -> References | None:
    return next((one for one in template.references if one.model == model), None)


def _agreement(live: bool, shadow: bool) -> Agreement:
    if live == shadow:
        return Agreement.BOTH_YES if live else Agreement.BOTH_NO
    return Agreement.ONLY_LIVE_YES if live else Agreement.ONLY_SHADOW_YES
