import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekey.core.errors import RequestInvalid
from facekey.evaluation.packs import read_pack

PICTURES = [b"one", b"two" * 100, b"three", b"one"]


class Opens:
    """Pickled, it asks for a function."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("whole", [tuple, list])
def test_a_pack_is_read(tmp_path: Path, protocol: int, whole: type) -> None:
    path = tmp_path / "set.bin"
    path.write_bytes(pickle.dumps(whole((PICTURES, [True, False])), protocol=protocol))
    assert read_pack(path) == (PICTURES, [True, False])


def test_a_pack_of_python_2_is_read(tmp_path: Path) -> None:
    # Python 2 wrote bytes as strings, and what came twice as a reference.
    path = tmp_path / "set.bin"
    path.write_bytes(
        b"\x80\x02]q\x00(U\x03\xffd8q\x01U\x03twoq\x02h\x01T\x04\x00\x00\x00fourq\x03e]q\x04(\x88\x89e\x86q\x05."
    )
    assert read_pack(path) == ([b"\xffd8", b"two", b"\xffd8", b"four"], [True, False])


def test_a_program_is_never_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = tmp_path / "set.bin"
    path.write_bytes(pickle.dumps(([Opens(made)] * 2, [True])))
    with pytest.raises(RequestInvalid, match="it would run a program"):
        read_pack(path)
    assert not made.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no pack"),
        (b"not a pickle at all", "no pack"),
        (pickle.dumps((PICTURES, [True, False]))[:-30], "no pack"),
        (pickle.dumps(PICTURES), "doesn't hold a list of pictures"),
        (pickle.dumps(([], [])), "two pictures for each label"),
        (pickle.dumps((PICTURES, [True])), "4 pictures and 1 labels"),
        (pickle.dumps((PICTURES, [True, 7])), "neither true nor false"),
        (pickle.dumps(([b"x" * (2**20 + 1), b"y"], [True])), "not the bytes of a file"),
        (pickle.dumps((["text"] * 4, [True, False])), r"wants .*UNICODE"),
        (pickle.dumps(([np.zeros(4, np.uint8)] * 4, [True, False])), "Nothing of it was run"),
        # A reference to place 2^32 - 1, for which a reader with a table of places makes room.
        (b"\x80\x02]r\xff\xff\xff\xff.", "doesn't hold a list"),
        (b"\x80\x02j\xff\xff\xff\xff.", "no pack"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "no pack"),
        (b"\x80\x02" + b"]" * 5 + b".", "no pack"),
        (b"\x80\x02]]\x85\x85\x85.", "no pack|doesn't hold"),
        (b"\x80\x02e.", "no pack"),
        (b"\x80\x02\x87.", "no pack"),
    ],
    ids=lambda value: None if isinstance(value, str) else f"{len(value)} bytes {value[:6]!r}",
)
def test_what_is_no_pack_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "set.bin"
    path.write_bytes(content)
    with pytest.raises(RequestInvalid, match=said):
        read_pack(path)


def test_a_pack_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RequestInvalid, match="can't be read"):
        read_pack(tmp_path / "none.bin")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_an_error_of_ours_or_a_pack(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(pickle.dumps((PICTURES, [True, False])))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "set.bin"
    path.write_bytes(bytes(content))
    try:
        pictures, labels = read_pack(path)
    except RequestInvalid:
        return
    assert len(pictures) == 2 * len(labels)
