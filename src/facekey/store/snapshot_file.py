"""A gallery on disk: labelled pieces of bytes, sealed one by one.

    8 bytes `FKGALLRY` | 1 byte format (1) | 16 random bytes, the snapshot's own name
    then records, each: 4 bytes length, big-endian | a sealed blob (`store.sealing`)

Each piece is a record with its label (JSON, with the number of bytes that follow), and records of
at most 8 MiB with the bytes. A last record says that there is no more. A record's context is the
snapshot's name and the record's place in it, so none can be cut off, moved or taken from another.
"""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from facekey.core.errors import SealBroken
from facekey.store.sealing import Seal

MAGIC = b"FKGALLRY"
FORMAT = 2
NAME_BYTES = 16
LENGTH_BYTES = 4
PIECE = 8 * 1024 * 1024
LONGEST = PIECE + 1024  # a record with its seal
CONTEXT = "gallery snapshot"
END = "end"

Label = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a gallery.

    Attributes:
        label: what it is.
    """

    label: Label
    data: bytes | bytearray = field(default=b"", repr=False)


def write_snapshot(path: Path, seal: Seal, parts: Iterable[Part]) -> None:
    """Write all or nothing: the file is put in its place when it is complete and on the disk.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)  # of a process of this number that was killed
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write(file, seal, parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_snapshot(path: Path, seal: Seal) -> Iterator[Part]:
    """The parts that were written, in order. Nothing counts before the last one came.

    Raises:
        FileNotFoundError: there is no snapshot.
        OSError: it can't be read.
        SealBroken: it was changed or cut, is sealed with another key, or of a format that this
            version doesn't know.
    """
    with path.open("rb") as file:
        name = _name(file)
        records = (seal.open(blob, *_context(name, place)) for place, blob in enumerate(_records(file)))
        for opened in records:
            label = json.loads(opened)
            if label == {END: 1} and next(records, None) is None:
                return
            data = bytearray()
            while len(data) < label["bytes"]:
                data += next(records, b"") or _cut()
            yield Part({key: value for key, value in label.items() if key != "bytes"}, data)
        _cut()


def _write(file: BinaryIO, seal: Seal, parts: Iterable[Part]) -> None:
    name = secrets.token_bytes(NAME_BYTES)
    file.write(MAGIC + bytes([FORMAT]) + name)
    place = 0

    def put(plain: bytes) -> None:
        nonlocal place
        blob = seal.close(plain, *_context(name, place))
        file.write(len(blob).to_bytes(LENGTH_BYTES, "big") + blob)
        place += 1

    for part in parts:
        put(json.dumps({**part.label, "bytes": len(part.data)}).encode())
        view = memoryview(part.data)
        for start in range(0, len(view), PIECE):
            put(bytes(view[start : start + PIECE]))
    put(json.dumps({END: 1}).encode())


def _name(file: BinaryIO) -> bytes:
    head = file.read(len(MAGIC) + 1 + NAME_BYTES)
    if len(head) != len(MAGIC) + 1 + NAME_BYTES or not head.startswith(MAGIC):
        raise SealBroken("the gallery snapshot is no such file, or was cut")
    if head[len(MAGIC)] != FORMAT:
        raise SealBroken(f"the gallery snapshot has format {head[len(MAGIC)]}; this version knows {FORMAT}")
    return head[-NAME_BYTES:]


def _records(file: BinaryIO) -> Iterator[bytes]:
    while length := file.read(LENGTH_BYTES):
        size = int.from_bytes(length, "big")
        if len(length) < LENGTH_BYTES or size > LONGEST:
            _cut()
        blob = file.read(size)
        if len(blob) < size:
            _cut()
        yield blob


def _context(name: bytes, place: int) -> tuple[str, ...]:
    return CONTEXT, name.hex(), str(place)


def _cut() -> bytes:
    raise SealBroken("the gallery snapshot was cut or changed since it was written")
