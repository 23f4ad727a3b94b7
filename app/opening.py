"""What is opened when the application starts, and what may be loaded before a server parts into workers."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.halt import halt
from facekey.api.meters import Meters
from facekey.api.service import Service
from facekey.cli import beginning
from facekey.core.errors import FaceKeyError
from facekey.settings import Settings
from facekey.wiring.deployment import open_deployment
from facekey.wiring.loaded import Loaded, load
from facekey.wiring.service import open_service
from facekey.wiring.traces import Tracing
from facekey.wiring.vision import open_device
from facekey.zoo.onnx import runs_on_processor


class Opening:
    """The service of one server, in one process or in several."""

    def __init__(self, settings: Settings, tracing: Tracing) -> None:
        """Take the settings, and what traces; nothing is opened yet."""
        self._settings = settings
        self._tracing = tracing
        self._meters = Meters(tracing.took)
        self._loaded: Loaded | None = None

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Service]:
        """Everything behind the API. What can't be opened ends the process, in one line."""
        async with AsyncExitStack() as stack:
            stack.callback(self._tracing.close)
            try:
                with beginning.opening():
                    service = await stack.enter_async_context(
                        open_service(self._settings, meters=self._meters, loaded=self._loaded)
                    )
            except FaceKeyError as error:
                halt(error)
            yield service

    def share(self, workers: int) -> None:
        """Load the networks now, for all workers that will part from this process.

        Each run then takes one thread, and each worker has its part of the cores: it is the number of
        workers that keeps them busy. With an accelerator nothing is shared: its context is each
        process's own.

        Args:
            workers: how many there will be, 2 or more.

        Raises:
            ModelError: a network is missing or can't be loaded.
        """
        if "vision_threads" not in self._settings.model_fields_set:
            threads = max(1, self._settings.vision_threads // workers)
            self._settings = self._settings.model_copy(update={"vision_threads": threads})
        if runs_on_processor(open_device(self._settings)):
            self._loaded = asyncio.run(self._load())
            # What the garbage collector never looks at is never written to, and stays shared.
            gc.collect()
            gc.freeze()

    async def _load(self) -> Loaded:
        async with open_deployment(self._settings) as deployment:
            return await load(self._settings, deployment, meters=self._meters, threads=1)
