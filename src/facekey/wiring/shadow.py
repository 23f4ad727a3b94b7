"""A network in shadow: opened, shown what was decided on, and listed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from facekey.api.meters import Meters
from facekey.api.shadow_meters import ShadowMeters
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import ModelError
from facekey.core.ports.shadow import UNSHADOWED, Shadow
from facekey.services.run_shadow import MOST_AT_ONCE, RunShadow
from facekey.settings import Settings
from facekey.vision.headers import DecodeLimits
from facekey.vision.pool import Workers
from facekey.vision.shadow import ShadowNetwork, ShadowPool, judging, recognising
from facekey.wiring.candidate import Candidate
from facekey.wiring.vision import EMBEDDERS, Vision, open_detector, open_liveness, open_population
from facekey.zoo.cards import Task
from facekey.zoo.zoo import Zoo

NOTE = "runs in shadow: compared with what is decided, in the metrics, without a say"

log = structlog.get_logger(__name__)


def open_candidate(zoo: Zoo, name: str) -> Candidate:
    """Load a network that is to run in shadow, on one thread.

    Raises:
        ModelUnavailable: it is not installed; says what to run.
        ModelError: it can't be loaded, or is not what its card says.
    """
    card = zoo.card(name)
    if card.task is Task.LIVENESS:
        network = open_liveness(zoo, card, threads=1)
        return Candidate(name, card.model_id, liveness=network)
    if name not in EMBEDDERS:
        raise ModelError(f"{name} neither tells people apart nor judges liveness")
    embedder = EMBEDDERS[name](zoo.open(name, threads=1))
    population = None if card.calibration is None else open_population(card.model_id)
    return Candidate(name, card.model_id, embedder, card.calibration, population)


def with_shadow(vision: Vision, zoo: Zoo, name: str | None) -> Vision:
    """The same networks with one in shadow beside them.

    Whatever is wrong with that one, the service starts: it decides nothing.
    """
    if name is None:
        return vision
    try:
        candidate = open_candidate(zoo, name)
    except ModelError as error:
        log.warning("shadow_absent", network=name, cause=str(error))
        return vision
    populations = dict(vision.populations)
    if candidate.population is not None:
        # Unknown ids are compared by it, too: else its figures would tell who is enrolled.
        populations[candidate.model_id] = candidate.population
    listed = tuple(replace(one, note=NOTE) if one.name == name else one for one in vision.networks)
    return replace(vision, candidate=candidate, populations=populations, networks=listed)


@asynccontextmanager
async def shadowing(
    settings: Settings, vision: Vision, zoo: Zoo, *, meters: Meters, workers: Workers
) -> AsyncIterator[Shadow]:
    """What shows decisions to the network in shadow as long as this is open; nothing where none runs."""
    candidate = vision.candidate
    if candidate is None:
        yield UNSHADOWED
        return
    own = Workers(workers=1, max_waiting=MOST_AT_ONCE)
    look = None
    if candidate.embedder is not None:
        look, threshold = recognising(candidate.embedder), evidence_of_fmr(settings.match_fmr)
    elif candidate.liveness is not None:
        look, threshold = judging(candidate.liveness), vision.liveness_threshold
    if look is None:
        raise ModelError(f"{candidate.name} has no network")
    limits = DecodeLimits(max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels)
    network = ShadowNetwork(look, model_id=candidate.model_id, detector=open_detector(zoo), limits=limits)
    run = RunShadow(
        eye=ShadowPool(network, own, busy=lambda: workers.taken > 0),
        meter=ShadowMeters(meters.registry, candidate.name),
        threshold=threshold,
        calibration=candidate.calibration,
    )
    try:
        yield run
    finally:
        await run.settled()
        await own.close()
