import struct

import numpy as np
import pytest

from facekey.core.errors import SealBroken
from facekey.core.types import References
from facekey.store.template_format import pack, unpack
from tests.unit.core.made import DIMENSIONS, MODEL, direction

WHOLE = pack(References(MODEL, np.stack([direction(1), direction(2)])))


def test_what_is_packed_comes_back() -> None:
    np.testing.assert_array_equal(unpack(WHOLE, MODEL).vectors, np.stack([direction(1), direction(2)]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:4],
        WHOLE[:-1],
        WHOLE + b"\0",
        b"\x02" + WHOLE[1:],
        struct.pack("<BHH", 1, 0, DIMENSIONS),
        struct.pack("<BHH", 1, 3, DIMENSIONS) + WHOLE[5:],
    ],
    ids=["empty", "cut header", "cut", "longer", "format 2", "no vector", "another count"],
)
def test_other_bytes_are_no_template(data: bytes) -> None:
    with pytest.raises(SealBroken):
        unpack(data, MODEL)
