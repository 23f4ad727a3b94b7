"""How one network's references become bytes, and how those are sealed.

    1 byte format (1) | 2 bytes vectors | 2 bytes dimensions | the vectors, float32 little-endian
    1 byte format (2) | 2 bytes vectors | 2 bytes dimensions | 2 bytes how many of them were learned
    | the vectors: first those of the enrolment, then those that adaptation learned

Format 2 is written where there is something learned; elsewhere format 1.

The seal binds them to person, id, network and revision: a row that is swapped with
another person's, another network's or an older one doesn't open.
"""

import struct
from dataclasses import dataclass

import numpy as np

from facekey.core.errors import SealBroken
from facekey.core.types import ModelId, References
from facekey.store.sealing import FORMAT_WITHOUT_VERSIONS, Seal, sealed_by

FORMAT = 1
FORMAT_ADAPTED = 2
FIRST_REVISION = 1
_HEADER = struct.Struct("<BHH")  # format, vectors, dimensions
_ADAPTED = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a template belongs.

    Attributes:
        revision: `subjects.template_version` when it was written.
    """

    uid: str
    user_id: str
    revision: int = FIRST_REVISION

    def seal(self, seal: Seal, references: References) -> bytes:
        """One network's references, sealed for this place."""
        return seal.close(pack(references), *self._context(references.model), str(self.revision))

    def open(self, seal: Seal, blob: bytes, model: ModelId) -> References:
        """What was sealed for this place.

        Raises:
            SealBroken: it was changed, or sealed for another place.
        """
        if sealed_by(blob).format != FORMAT_WITHOUT_VERSIONS:
            return unpack(seal.open(blob, *self._context(model), str(self.revision)), model)
        # Such blobs know no revision. All of them are first ones: a later one is a replay.
        if self.revision != FIRST_REVISION:
            raise SealBroken("a template is older than the revision that its row names")
        return unpack(seal.open(blob, *self._context(model)), model)

    def _context(self, model: ModelId) -> tuple[str, ...]:
        return "template", self.uid, self.user_id, model


def pack(references: References) -> bytes:
    """Write references down."""
    everything = references.current().vectors
    count, dimensions = everything.shape
    if references.adapted is None:
        return _HEADER.pack(FORMAT, count, dimensions) + everything.astype("<f4").tobytes()
    header = _HEADER.pack(FORMAT_ADAPTED, count, dimensions) + _ADAPTED.pack(len(references.adapted))
    return header + everything.astype("<f4").tobytes()


def unpack(data: bytes, model: ModelId) -> References:
    """Read references.

    Raises:
        SealBroken: the bytes are not what `pack` writes.
    """
    if len(data) < _HEADER.size + _ADAPTED.size:
        raise SealBroken("a template is too short to be one")
    version, count, dimensions = _HEADER.unpack_from(data)
    offset, adapted = _HEADER.size, 0
    if version == FORMAT_ADAPTED:
        (adapted,) = _ADAPTED.unpack_from(data, offset)
        offset += _ADAPTED.size
    known = version == FORMAT or (version == FORMAT_ADAPTED and adapted > 0)
    if not known or len(data) != offset + 4 * count * dimensions or count <= adapted:
        raise SealBroken(
            f"a template has format {version} and {len(data)} bytes, which don't belong together"
        )
    vectors = np.frombuffer(data, dtype="<f4", offset=offset).reshape(count, dimensions).astype(np.float32)
    return References(model, vectors[: count - adapted], vectors[count - adapted :] if adapted else None)
