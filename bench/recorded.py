"""The network runs that a piece of work makes, to be made again bare."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekey.zoo.onnx import OnnxSession

Arrays = tuple[NDArray[np.generic], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One run: which network, and what it was given."""

    session: OnnxSession
    arrays: Arrays

    @property
    def network(self) -> str:
        """The short name of the network, as its card has it."""
        return self.session.model_id.partition(":")[0]

    def again(self) -> None:
        """Make the run once more, with nothing around it."""
        self.session.run(*self.arrays)


def recorded(work: Callable[[], object]) -> list[Call]:
    """The network runs of a piece of work, in their order, with copies of what they were given."""
    calls: list[Call] = []
    original = OnnxSession.run

    def recording(session: OnnxSession, *arrays: NDArray[np.generic]) -> list[NDArray[np.float32]]:
        calls.append(Call(session, tuple(array.copy() for array in arrays)))
        return original(session, *arrays)

    OnnxSession.run = recording  # type: ignore[method-assign]
    try:
        work()
    finally:
        OnnxSession.run = original  # type: ignore[method-assign]
    return calls
