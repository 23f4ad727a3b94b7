"""Packs: `.bin` files of aligned crops and labels, as InsightFace hands out its validation sets.

Such a file is a pickle of ([bytes of a JPEG, ...], [same person, ...]), two pictures for each
label. A pickle is a program, and this one isn't run: its operations are listed (the
standard library's `pickletools` names them without carrying anything out) and the twenty
that lists of bytes and truth values need are done here. Any other, such as one that looks
up a name, ends the reading.
"""

import pickletools  # nosec B403
from collections.abc import Callable, Mapping
from pathlib import Path

from facekey.evaluation.wrong import unusable

MAX_BYTES = 2**30
MAX_PICTURES = 200_000
MAX_PICTURE_BYTES = 2**20
MAX_OPERATIONS = 4_000_000
MAX_LABELS = MAX_PICTURES // 2

_MARK = object()

CONSTANTS: Mapping[str, object] = {"NEWTRUE": True, "NEWFALSE": False}
VALUES = frozenset(
    {
        "BINBYTES",
        "BINBYTES8",
        "SHORT_BINBYTES",
        "BINSTRING",
        "SHORT_BINSTRING",
        "BININT",
        "BININT1",
        "BININT2",
        "INT",
    }
)
IGNORED = frozenset({"PROTO", "FRAME"})
PUTS = frozenset({"BINPUT", "LONG_BINPUT", "PUT"})
GETS = frozenset({"BINGET", "LONG_BINGET", "GET"})
TUPLES: Mapping[str, int] = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pack(path: Path) -> tuple[list[bytes], list[bool]]:
    """The pictures, two for each label, and the labels.

    Raises:
        RequestInvalid: it is no such file; says what it holds instead, or what it asked for.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise unusable(f"{path.name} has {size:,} bytes; packs of up to {MAX_BYTES:,} are read")
        content = path.read_bytes()
    except OSError as error:
        raise unusable(f"{path.name} can't be read: {error}") from error
    try:
        held = _Pickle(path.name).run(content)
    # What a broken pickle makes the standard library raise is not bounded by its documentation.
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        UnicodeDecodeError,
        OverflowError,
    ) as error:
        raise unusable(f"{path.name} is no pack of pictures and labels, or is cut off: {error}") from error
    return _checked(path.name, held)


def _checked(name: str, held: object) -> tuple[list[bytes], list[bool]]:
    match held:
        case (list() as pictures, list() as labels) | [list() as pictures, list() as labels]:
            pass
        case _:
            raise unusable(f"{name} doesn't hold a list of pictures and a list of labels")
    if not labels or len(pictures) != 2 * len(labels) or len(pictures) > MAX_PICTURES:
        raise unusable(
            f"{name} has {len(pictures):,} pictures and {len(labels):,} labels; there must be two pictures "
            f"for each label, and {MAX_PICTURES:,} at most"
        )
    if not all(isinstance(one, bytes) and len(one) <= MAX_PICTURE_BYTES for one in pictures):
        raise unusable(
            f"{name}: a picture is not the bytes of a file of up to {MAX_PICTURE_BYTES:,} bytes. Packs "
            "with arrays of numbers must be written anew as lists of bytes"
        )
    if not all(isinstance(one, (bool, int)) and one in (0, 1) for one in labels):
        raise unusable(f"{name}: a label is neither true nor false")
    return pictures, [bool(one) for one in labels]


class _Pickle:
    """A machine for the few operations of such a file: a stack, marks on it, and what is remembered."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[object] = []
        self._memory: dict[int, object] = {}
        self._done: Mapping[str, Callable[[], None]] = {
            "MARK": lambda: self._stack.append(_MARK),
            "EMPTY_LIST": lambda: self._stack.append([]),
            "LIST": lambda: self._stack.append(self._to_mark()),
            "TUPLE": lambda: self._stack.append(tuple(self._to_mark())),
            "APPEND": lambda: self._extend([self._stack.pop()]),
            "APPENDS": lambda: self._extend(self._to_mark()),
            "MEMOIZE": lambda: self._memory.__setitem__(len(self._memory), self._stack[-1]),
            "POP": self._drop,
        }

    def run(self, content: bytes) -> object:
        """Carry the operations out, in order; the value that is left is what was stored."""
        for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
            if count > MAX_OPERATIONS:
                raise unusable(f"{self._name} takes more than {MAX_OPERATIONS:,} operations to read; refused")
            if operation.name == "STOP":
                (held,) = self._stack
                return held
            self._step(operation.name, argument)
        raise ValueError("it has no end")

    def _step(self, name: str, argument: object) -> None:
        if name in IGNORED:
            return
        if name in CONSTANTS:
            self._stack.append(CONSTANTS[name])
        elif name in VALUES:
            # Python 2 wrote its bytes as strings, which come as text of one character a byte.
            self._stack.append(argument.encode("latin-1") if isinstance(argument, str) else argument)
        elif name in TUPLES:
            count = TUPLES[name]
            taken = self._stack[len(self._stack) - count :]
            del self._stack[len(self._stack) - count :]
            if len(taken) != count:
                raise ValueError("a tuple of more than there is")
            self._stack.append(tuple(taken))
        elif name in PUTS and isinstance(argument, int):
            self._memory[argument] = self._stack[-1]
        elif name in GETS and isinstance(argument, int):
            self._stack.append(self._memory[argument])
        elif name in self._done:
            self._done[name]()
        else:
            about = f" ({argument!r:.60})" if argument is not None else ""
            raise unusable(
                f"{self._name} wants {name}{about}, which lists of pictures and labels don't need: it is "
                "another kind of file, or it would run a program. Nothing of it was run"
            )

    def _to_mark(self) -> list[object]:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                taken = self._stack[position + 1 :]
                del self._stack[position:]
                return taken
        raise ValueError("a list without a beginning")

    def _extend(self, values: list[object]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list) or len(target) + len(values) > MAX_PICTURES:
            raise ValueError("something is added to what is no list, or too much")
        target.extend(values)

    def _drop(self) -> None:
        self._stack.pop()
