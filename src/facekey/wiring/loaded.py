"""Loaded: the networks of a service.

They can be loaded before a server parts into several processes. Then their weights are in memory
once for all of them. That takes sessions without threads of their own, which a process that was
parted off doesn't have, and no accelerator, whose context it can't use.
"""

import asyncio
from dataclasses import dataclass

from facekey.api.meters import Meters
from facekey.core.choice import Choice
from facekey.settings import Settings
from facekey.vision.headers import DecodeLimits
from facekey.wiring.deployment import Deployment
from facekey.wiring.networks import read_choice
from facekey.wiring.shadow import with_shadow
from facekey.wiring.vision import Vision, open_vision, open_zoo
from facekey.zoo.zoo import Zoo


@dataclass(frozen=True, slots=True)
class Loaded:
    """Networks that are ready to run.

    Attributes:
        choice: of which networks decide, as it was when they were loaded.
    """

    zoo: Zoo
    choice: Choice
    vision: Vision


async def load(
    settings: Settings, deployment: Deployment, *, meters: Meters, threads: int | None = None
) -> Loaded:
    """Load every network that is to decide.

    Args:
        settings: what runs.
        deployment: says which networks were chosen.
        meters: told how long stages and networks took.
        threads: for one run of a network, at most; left out, what the settings say. 1 for networks that
            several processes will share.

    Raises:
        ModelUnavailable: a network is missing.
        ModelError: a network can't be loaded or is not what its card says.
        StoreUnavailable: it is not known which networks were chosen.
    """
    choice, zoo = await read_choice(deployment), open_zoo(settings, observe=meters.ran, threads=threads)
    vision = await asyncio.to_thread(
        open_vision,
        zoo,
        limits=DecodeLimits(max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels),
        observe=meters.took,
        spoof_photos=settings.store_images,
        fusion=None if settings.fusion == "auto" else settings.fusion,
        choice=choice,
        cores=settings.vision_threads,
    )
    return Loaded(zoo, choice, await asyncio.to_thread(with_shadow, vision, zoo, choice.shadow))
