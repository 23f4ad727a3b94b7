"""Ask a part of the service one thing, from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from facekey.cli.outcome import told_in_one_line
from facekey.settings import Settings, read_settings

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def ask(
    opening: Callable[[Settings], AbstractAsyncContextManager[Part]],
    question: Callable[[Part], Awaitable[Answer]],
) -> Answer:
    """Open what the settings describe, ask it, and close it again.

    Args:
        opening: one of the `open_...` of `wiring`.
        question: asked once.
    """

    async def asked() -> Answer:
        async with opening(read_settings()) as part:
            return await question(part)

    with told_in_one_line():
        return asyncio.run(asked())
