"""Keeps a copy current in the background, so that erased people leave every replica's memory soon.

Searches don't rest on this: they take in what is new by themselves.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from facekey.core.errors import FaceKeyError
from facekey.core.ports.shared import Change, Listener

log = structlog.get_logger(__name__)

AT_LEAST_EVERY_S = 1.0
"""Messages can be lost; this is for how long at most an erased person stays in memory."""


@asynccontextmanager
async def following(
    refresh: Callable[[], Awaitable[object]],
    listener: Listener,
    *,
    change: Change = Change.GALLERY,
    every_s: float = AT_LEAST_EVERY_S,
) -> AsyncIterator[None]:
    """Refresh on every message of this change, and once in a while without any, as long as this is open.

    A store that is away is tried again; the log has one line when it goes and one when it is back.
    """
    task = asyncio.create_task(_follow(refresh, listener, change, every_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _follow(
    refresh: Callable[[], Awaitable[object]], listener: Listener, change: Change, every_s: float
) -> None:
    away = False
    while True:
        heard = await listener.wait(within_s=every_s)
        if heard and change not in heard:
            continue
        try:
            await refresh()
        except FaceKeyError as error:
            if not away:
                log.warning("copy_not_current", copy=str(change), cause=str(error))
            away = True
        except Exception as error:
            # Nobody waits for this task: a defect that ended it would be noticed by nobody.
            if not away:
                log.error("defect", error=type(error).__name__, exc_info=error)  # noqa: TRY400 - rendered by the log
            away = True
        else:
            if away:
                log.info("copy_current_again", copy=str(change))
            away = False
