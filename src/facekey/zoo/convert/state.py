"""A state dict with every tensor accounted for."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ConversionError

Weights = NDArray[np.float32]


class StateDict:
    """Hands out each tensor once, by name and expected shape, and says what was left over."""

    def __init__(self, tensors: Mapping[str, NDArray[np.generic]]) -> None:
        """Wrap what `torch_pickle.read_state_dict` gave."""
        self._left = dict(tensors)

    def take(self, name: str, shape: tuple[int, ...]) -> Weights:
        """One tensor as float32.

        Raises:
            ConversionError: it is missing, taken already, or of another shape.
        """
        if name not in self._left:
            raise ConversionError(f"the state dict has no {name}")
        values = self._left.pop(name)
        if values.shape != shape:
            raise ConversionError(f"{name} has the shape {values.shape} instead of {shape}")
        return values.astype(np.float32)

    def drop(self, *endings: str) -> None:
        """Leave out, knowingly, the tensors whose names end so."""
        self._left = {name: values for name, values in self._left.items() if not name.endswith(endings)}

    def close(self) -> None:
        """Say that the network is complete.

        Raises:
            ConversionError: a tensor was not used, so this is another network.
        """
        if self._left:
            raise ConversionError(
                f"the state dict has more than the network: {', '.join(sorted(self._left)[:3])}"
            )
