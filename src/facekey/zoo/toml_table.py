"""A table of a TOML file, read strictly: every key known, every value of its type."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import TypeGuard, TypeVar

from facekey.core.errors import CardInvalid

Value = TypeVar("Value")

_SHA256 = re.compile(r"[0-9a-f]{64}")


class TomlTable:
    """Hands out each key once; `close` refuses what nobody asked for."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        """Wrap a table; `where` names it in errors."""
        self._left = dict(values)
        self._where = where

    def has(self, key: str) -> bool:
        """Whether an optional key was given."""
        return key in self._left

    def text(self, key: str, *, one_of: tuple[str, ...] = ()) -> str:
        """A string that is not empty, and one of the given words if there are any."""
        value = self._take(key, str)
        if not value or (one_of and value not in one_of):
            raise self.wrong(
                key, f"should be one of {', '.join(one_of)}" if one_of else "should not be empty"
            )
        return value

    def sha256(self, key: str) -> str:
        """A SHA-256 in lower-case hex."""
        value = self.text(key)
        if not _SHA256.fullmatch(value):
            raise self.wrong(key, "should be 64 lower-case hex digits")
        return value

    def integer(self, key: str, *, at_least: int = 0) -> int:
        """A whole number."""
        value = self._take(key, int)
        if value < at_least:
            raise self.wrong(key, f"should be at least {at_least}")
        return value

    def number(self, key: str) -> float:
        """A number, whole or not."""
        return self._finite(key, self._any(key))

    def day(self, key: str) -> date:
        """A date without a time."""
        return self._take(key, date)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(self._each(key, str))

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers, none below 0."""
        values = tuple(self._each(key, int))
        if any(value < 0 for value in values):
            raise self.wrong(key, "should have no number below 0")
        return values

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of numbers."""
        return tuple(self._finite(key, value) for value in self._take(key, list))

    def table(self, key: str) -> "TomlTable":
        """A table inside this one."""
        return TomlTable(self._take(key, dict), f"{self._where}.{key}")

    def tables(self, key: str) -> tuple["TomlTable", ...]:
        """A list of tables."""
        return tuple(
            TomlTable(value, f"{self._where}.{key}[{index}]")
            for index, value in enumerate(self._each(key, dict))
        )

    def pairs(self, key: str) -> tuple[tuple[float, float], ...]:
        """A list of two numbers each."""
        pairs = []
        for pair in self._each(key, list):
            if len(pair) != 2:
                raise self.wrong(key, "should be pairs of numbers")
            pairs.append((self._finite(key, pair[0]), self._finite(key, pair[1])))
        return tuple(pairs)

    def number_table(self, key: str) -> Mapping[str, float]:
        """A table of names and numbers."""
        inner = self.table(key)
        return {name: inner.number(name) for name in tuple(inner._left)}

    def optional(self, key: str, read: Callable[[str], Value]) -> Value | None:
        """What `read` makes of the key, None when it was left out."""
        return read(key) if self.has(key) else None

    def close(self) -> None:
        """Say that all keys were read.

        Raises:
            CardInvalid: there is a key that is not known.
        """
        if self._left:
            raise CardInvalid(f"{self._where}: unknown key {', '.join(sorted(self._left))}")

    def wrong(self, key: str, why: str) -> CardInvalid:
        """The error to raise about one key."""
        return CardInvalid(f"{self._where}.{key} {why}")

    def _any(self, key: str) -> object:
        if key not in self._left:
            raise CardInvalid(f"{self._where}: the key {key} is missing")
        return self._left.pop(key)

    def _take(self, key: str, kind: type[Value]) -> Value:
        value = self._any(key)
        if not _is(value, kind):
            raise self.wrong(key, f"should not be of the type {type(value).__name__}")
        return value

    def _each(self, key: str, kind: type[Value]) -> Iterator[Value]:
        values: list[object] = self._take(key, list)
        for value in values:
            if not _is(value, kind):
                raise self.wrong(key, f"should not hold a {type(value).__name__}")
            yield value

    def _finite(self, key: str, value: object) -> float:
        if not (_is(value, int) or _is(value, float)) or not math.isfinite(value):
            raise self.wrong(key, "should be a finite number")
        return float(value)


def _is(value: object, kind: type[Value]) -> TypeGuard[Value]:
    # TOML keeps booleans and whole numbers, times and dates apart; Python's types don't.
    if isinstance(value, bool | datetime) and kind not in (bool, datetime):
        return False
    return isinstance(value, kind)
