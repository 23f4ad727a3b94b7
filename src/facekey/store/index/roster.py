"""Which number of an index is whose."""

import numpy as np
from numpy.typing import NDArray

UID_BYTES = 16
NOBODY = bytes(UID_BYTES)
FIRST_ROOM = 1024


class Roster:
    """Enrolled people by small numbers, without gaps for long: a number that was left is given again.

    A person's uid is 32 hexadecimal digits; half as many bytes are kept of it.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._numbers: dict[bytes, int] = {}
        self._uids: NDArray[np.uint8] = np.zeros((FIRST_ROOM, UID_BYTES), np.uint8)
        self._end = 0
        self._left: list[int] = []

    def __len__(self) -> int:
        """How many people are on it."""
        return len(self._numbers)

    @property
    def end(self) -> int:
        """One more than the largest number that is given."""
        return self._end

    def enter(self, uid: str) -> int:
        """The number of a person, who gets one when they have none."""
        key = bytes.fromhex(uid)
        known = self._numbers.get(key)
        if known is not None:
            return known
        number = self._left.pop() if self._left else self._end
        if number == self._end:
            self._end += 1
            self._make_room()
        self._numbers[key] = number
        self._uids[number] = np.frombuffer(key, np.uint8)
        return number

    def leave(self, uid: str) -> int | None:
        """Strike a person off; the number that they had."""
        number = self._numbers.pop(bytes.fromhex(uid), None)
        if number is not None:
            self._uids[number] = 0
            self._left.append(number)
        return number

    def uid(self, number: int) -> str | None:
        """Whose a number is; None when it is nobody's."""
        key = self._uids[number].tobytes() if number < self._end else NOBODY
        return None if key == NOBODY else key.hex()

    def used(self) -> NDArray[np.int64]:
        """The numbers of everybody, in order."""
        return np.flatnonzero(self._uids[: self._end].any(axis=1)).astype(np.int64)

    def dump(self) -> bytes:
        """All of it, as `load` takes it: 16 bytes for each number, zeros for nobody's."""
        return self._uids[: self._end].tobytes()

    @classmethod
    def load(cls, data: bytes) -> "Roster":
        """The roster that was dumped.

        Raises:
            ValueError: these bytes are no roster.
        """
        roster = cls()
        roster._uids = np.frombuffer(data, np.uint8).reshape(-1, UID_BYTES).copy()
        roster._end = len(roster._uids)
        for number in range(roster._end):
            key = data[number * UID_BYTES : (number + 1) * UID_BYTES]
            if key == NOBODY:
                roster._left.append(number)
            else:
                roster._numbers[key] = number
        if len(roster._numbers) + len(roster._left) != roster._end:
            raise ValueError("somebody is on the roster twice")
        roster._make_room()
        return roster

    def _make_room(self) -> None:
        if self._end > len(self._uids):
            grown = np.zeros((2 * max(self._end, FIRST_ROOM), UID_BYTES), np.uint8)
            grown[: len(self._uids)] = self._uids
            self._uids = grown
