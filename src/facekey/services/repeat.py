"""Repeat: work that is done again and again in the background, as long as the service runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from facekey.core.errors import FaceKeyError

log = structlog.get_logger(__name__)


@asynccontextmanager
async def repeating(
    name: str, work: Callable[[], Awaitable[object]], *, every_s: float
) -> AsyncIterator[None]:
    """Do the work now and then every so many seconds, as long as this is open.

    What fails is told to the log and tried again: once when it begins to fail, once when it
    works again.

    Args:
        name: of the work, in the log.
        work: must bear being broken off at any time.
        every_s: from the end of one to the beginning of the next.
    """
    task = asyncio.create_task(_repeat(name, work, every_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _repeat(name: str, work: Callable[[], Awaitable[object]], every_s: float) -> None:
    failing = False
    while True:
        try:
            await work()
        except FaceKeyError as error:
            if not failing:
                log.error("background_work_failed", work=name, cause=str(error))  # noqa: TRY400 - one line
            failing = True
        except Exception as error:
            # Nobody waits for this task: a defect that ended it would be noticed by nobody.
            if not failing:
                log.error("defect", work=name, error=type(error).__name__, exc_info=error)  # noqa: TRY400
            failing = True
        else:
            if failing:
                log.info("background_work_goes_on", work=name)
            failing = False
        await asyncio.sleep(every_s)
