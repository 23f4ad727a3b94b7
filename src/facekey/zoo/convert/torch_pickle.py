"""State dicts written by torch, read without torch and without running what they hold.

A pickle is a program. The unpickler here knows four words: the ordered dict, the
rebuilding of a tensor, and the storage types; any other name stops the reading before it
is looked up. Both forms are read: the zip archive (torch 1.6 and later) and the older
one, a row of pickles followed by the bare numbers.
"""

import io
import pickle  # nosec B403
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ConversionError

MAX_PICKLE_BYTES = 8 * 2**20  # the program without the numbers; real ones have a few kB
MAX_STORAGE_BYTES = 2**30
MAX_TENSORS = 10_000
CHECKPOINT = "model_state"
"""Under this name a checkpoint keeps the state dict, beside counters and the optimiser's own state."""

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001

_STORAGES: Mapping[str, type[np.generic]] = {
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
}

Tensors = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class _StorageType:
    """What stands for a torch storage class while the pickle is read."""

    dtype: type[np.generic]


@dataclass(slots=True)
class _Storage:
    """A run of numbers; the older form names it first and gives the numbers at the end."""

    dtype: np.dtype[np.generic]
    count: int
    values: NDArray[np.generic] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _View:
    """A tensor as the pickle describes it."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(data: bytes) -> Tensors:
    """Read the tensors of a torch state dict, or of the one that a checkpoint holds.

    Args:
        data: the file; its hash has been checked.

    Returns:
        Name to array, in the file's order; float32, float16 or int64 as stored.

    Raises:
        ConversionError: not a state dict, or one with anything in it but tensors.
    """
    try:
        is_zip = zipfile.is_zipfile(io.BytesIO(data))
        loaded = _read_zip(data) if is_zip else _read_legacy(data)
    except ConversionError:
        raise
    # What a broken pickle raises is not bounded by its documentation.
    except (pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, KeyError) as error:
        raise ConversionError(f"not a readable torch file: {error}") from error
    except (AttributeError, IndexError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise ConversionError(f"not a readable torch file: {error}") from error
    if isinstance(loaded, dict) and CHECKPOINT in loaded:
        loaded = loaded[CHECKPOINT]
    if not isinstance(loaded, dict) or len(loaded) > MAX_TENSORS:
        raise ConversionError("the torch file is not a state dict")
    tensors = {}
    for name, view in loaded.items():
        if not isinstance(name, str) or not isinstance(view, _View):
            raise ConversionError(f"the state dict holds something that is no tensor: {name!r:.80}")
        tensors[name] = _array(name, view)
    return tensors


class _Reader(pickle.Unpickler):
    """Knows the names of a state dict and refuses all others."""

    def __init__(self, stream: io.BytesIO, storages: dict[str, _Storage]) -> None:
        super().__init__(stream, encoding="utf-8")
        self._storages = storages

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _STORAGES:
            return _StorageType(_STORAGES[name])
        raise ConversionError(f"the state dict asks for {module}.{name}, which no state dict needs; refused")

    def persistent_load(self, pid: object) -> _Storage:
        # ("storage", type, key, device, count), and in the older form a sixth: a view of another.
        if (
            not isinstance(pid, tuple)
            or len(pid) not in (5, 6)
            or pid[0] != "storage"
            or pid[5:] not in ((), (None,))
        ):
            raise ConversionError("the state dict refers to something that is no storage")
        kind, key, count = pid[1], pid[2], pid[4]
        if not isinstance(kind, _StorageType) or not isinstance(key, str) or not isinstance(count, int):
            raise ConversionError("the state dict describes a storage wrongly")
        dtype = np.dtype(kind.dtype)
        if not 0 <= count * dtype.itemsize <= MAX_STORAGE_BYTES:
            raise ConversionError(f"the state dict has a storage of {count} numbers")
        return self._storages.setdefault(key, _Storage(dtype, count))


def _rebuild(  # noqa: PLR0917 - torch decides what it passes by position
    storage: object,
    offset: object,
    shape: object,
    strides: object,
    requires_grad: object = None,
    hooks: object = None,
) -> _View:
    """What `torch._utils._rebuild_tensor_v2` is called with; hooks are never run."""
    del requires_grad, hooks
    if not isinstance(storage, _Storage) or not isinstance(offset, int):
        raise ConversionError("the state dict describes a tensor wrongly")
    return _View(storage, offset, _sizes(shape), _sizes(strides))


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or not all(isinstance(size, int) and size >= 0 for size in value):
        raise ConversionError("the state dict describes a shape wrongly")
    return value


def _read_zip(data: bytes) -> object:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        programs = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
        if len(programs) != 1:
            raise ConversionError("the torch archive should hold one data.pkl")
        if programs[0].file_size > MAX_PICKLE_BYTES:
            raise ConversionError(f"the pickle has {programs[0].file_size} bytes")
        root = programs[0].filename.removesuffix("data.pkl")
        byte_order = f"{root}byteorder"
        if byte_order in archive.namelist() and archive.read(byte_order) != b"little":
            raise ConversionError("the torch archive was written on a big-endian machine")
        storages: dict[str, _Storage] = {}
        loaded = _Reader(io.BytesIO(archive.read(programs[0])), storages).load()
        for key, storage in storages.items():
            member = archive.getinfo(f"{root}data/{key}")
            if member.file_size != storage.count * storage.dtype.itemsize:
                raise ConversionError(
                    f"storage {key} has {member.file_size} bytes for {storage.count} numbers"
                )
            storage.values = np.frombuffer(archive.read(member), storage.dtype)
    return loaded


def _read_legacy(data: bytes) -> object:
    stream = io.BytesIO(data)
    storages: dict[str, _Storage] = {}

    def load() -> object:
        return _Reader(stream, storages).load()

    if load() != _LEGACY_MAGIC or load() != _LEGACY_PROTOCOL:
        raise ConversionError("neither a torch archive nor an older torch file")
    system = load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ConversionError("the torch file was written on a big-endian machine")
    loaded, keys = load(), load()
    if not isinstance(keys, list) or set(keys) != set(storages):
        raise ConversionError("the torch file doesn't hold the storages that it names")
    for key in keys:
        storage = storages[key]
        (count,) = struct.unpack("<q", stream.read(8))
        if count != storage.count:
            raise ConversionError(f"storage {key} has {count} numbers instead of {storage.count}")
        storage.values = np.frombuffer(stream.read(count * storage.dtype.itemsize), storage.dtype)
        if storage.values.size != count:
            raise ConversionError(f"storage {key} is cut off")
    return loaded


def _array(name: str, view: _View) -> NDArray[np.generic]:
    values = view.storage.values
    if values is None or len(view.shape) != len(view.strides):
        raise ConversionError(f"{name}: the tensor has no numbers")
    last = view.offset + sum((size - 1) * step for size, step in zip(view.shape, view.strides, strict=True))
    if 0 in view.shape or view.offset < 0 or last >= values.size:
        raise ConversionError(f"{name}: the tensor reaches outside its storage")
    # Expanded (stride 0) views are small on disk and large in memory.
    if int(np.prod(view.shape, dtype=object)) > values.size:
        raise ConversionError(f"{name}: the tensor is larger than its storage")
    byte_strides = tuple(step * values.itemsize for step in view.strides)
    return np.lib.stride_tricks.as_strided(values[view.offset :], view.shape, byte_strides).copy()
