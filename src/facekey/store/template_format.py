"""How one network's references become bytes: a small header and the vectors, float32 little-endian."""

import struct

import numpy as np

from facekey.core.errors import SealBroken
from facekey.core.types import ModelId, References

FORMAT = 1
_HEADER = struct.Struct("<BHH")  # format, vectors, dimensions


def pack(references: References) -> bytes:
    """Write references down."""
    count, dimensions = references.vectors.shape
    return _HEADER.pack(FORMAT, count, dimensions) + references.vectors.astype("<f4").tobytes()


def unpack(data: bytes, model: ModelId) -> References:
    """Read references.

    Raises:
        SealBroken: the bytes are not what `pack` writes.
    """
    if len(data) < _HEADER.size:
        raise SealBroken("a template is too short to be one")
    version, count, dimensions = _HEADER.unpack_from(data)
    if version != FORMAT or len(data) != _HEADER.size + 4 * count * dimensions or count == 0:
        raise SealBroken(
            f"a template has format {version} and {len(data)} bytes, which don't belong together"
        )
    vectors = np.frombuffer(data, dtype="<f4", offset=_HEADER.size).reshape(count, dimensions)
    return References(model, vectors.astype(np.float32))
