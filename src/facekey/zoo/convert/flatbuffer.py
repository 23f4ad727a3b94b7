"""The FlatBuffers wire format, as far as reading a TFLite file needs it.

A table is a position in the buffer whose first word leads back to a vtable: a list of
16-bit offsets, one for each field of the schema, 0 where the field was left out.

Source: https://flatbuffers.dev/internals/
"""

import struct
from dataclasses import dataclass

from facekey.core.errors import ConversionError

_VTABLE_HEADER_BYTES = 4


@dataclass(frozen=True, slots=True)
class FlatTable:
    """One table of a buffer. Every read outside the buffer raises ConversionError."""

    data: bytes
    position: int

    @staticmethod
    def root(data: bytes, *, identifier: bytes) -> "FlatTable":
        """The table that the file starts with.

        Raises:
            ConversionError: the file doesn't carry the four-byte identifier.
        """
        if data[4:8] != identifier:
            raise ConversionError(f"not a {identifier.decode()} flatbuffer")
        return FlatTable(data, _unsigned(data, 0))

    def int8(self, slot: int, default: int = 0) -> int:
        """A field of one signed byte."""
        return self._scalar(slot, "<b", default)

    def int32(self, slot: int, default: int = 0) -> int:
        """A field of four signed bytes."""
        return self._scalar(slot, "<i", default)

    def table(self, slot: int) -> "FlatTable | None":
        """A table that this one points to, None when it was left out."""
        at = self._field(slot)
        return None if at is None else FlatTable(self.data, at + _unsigned(self.data, at))

    def text(self, slot: int) -> str:
        """A UTF-8 string, empty when it was left out."""
        return self.octets(slot).decode("utf-8", errors="replace")

    def octets(self, slot: int) -> bytes:
        """A vector of bytes, empty when it was left out."""
        start, count = self._vector(slot)
        if start + count > len(self.data):
            raise ConversionError("the flatbuffer points outside itself")
        return self.data[start : start + count]

    def int32s(self, slot: int) -> tuple[int, ...]:
        """A vector of int32, empty when it was left out."""
        start, count = self._vector(slot)
        return tuple(int(_unpack("<i", self.data, start + 4 * index)) for index in range(count))

    def tables(self, slot: int) -> tuple["FlatTable", ...]:
        """A vector of tables, empty when it was left out."""
        start, count = self._vector(slot)
        places = (start + 4 * index for index in range(count))
        return tuple(FlatTable(self.data, place + _unsigned(self.data, place)) for place in places)

    def _field(self, slot: int) -> int | None:
        vtable = self.position - int(_unpack("<i", self.data, self.position))
        entry = _VTABLE_HEADER_BYTES + 2 * slot
        if entry >= int(_unpack("<H", self.data, vtable)):
            return None
        offset = int(_unpack("<H", self.data, vtable + entry))
        return None if offset == 0 else self.position + offset

    def _scalar(self, slot: int, form: str, default: int) -> int:
        at = self._field(slot)
        return default if at is None else int(_unpack(form, self.data, at))

    def _vector(self, slot: int) -> tuple[int, int]:
        at = self._field(slot)
        if at is None:
            return 0, 0
        start = at + _unsigned(self.data, at)
        count = _unsigned(self.data, start)
        if count > len(self.data):
            raise ConversionError("the flatbuffer has a vector longer than itself")
        return start + 4, count


def _unsigned(data: bytes, at: int) -> int:
    return int(_unpack("<I", data, at))


def _unpack(form: str, data: bytes, at: int) -> int:
    # A negative offset would count from the end, as everywhere in Python.
    if at < 0 or at + struct.calcsize(form) > len(data):
        raise ConversionError("the flatbuffer points outside itself")
    value: int = struct.unpack_from(form, data, at)[0]
    return value
