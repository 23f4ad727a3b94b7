"""Pool: recordings are listened to on the same threads as pictures are looked at."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from facekey.core.voice import VoiceEvidence

_T = TypeVar("_T")


class Workers(Protocol):
    """A bounded number of threads, such as those of `vision.pool`."""

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do a piece of work; what it raises is raised, and `Overloaded` when too much waits."""
        ...


class ListenerPool:
    """Implements `core.ports.voice.VoiceAnalyzer` over a synchronous function."""

    def __init__(self, listen: Callable[[bytes], VoiceEvidence], workers: Workers) -> None:
        """Take the work and who does it; `listen` is called from several threads at once."""
        self._listen = listen
        self._workers = workers

    async def listen(self, recording: bytes) -> VoiceEvidence:
        """Say all that one recording says; raises what `core.ports.voice.VoiceAnalyzer` raises."""
        return await self._workers.run(partial(self._listen, recording))
