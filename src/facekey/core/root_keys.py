"""How many records hang on which root key, and which keys there are."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeyUse:
    """The records that one root key protects.

    Attributes:
        key_id: 16 hex digits.
        version: the key's version when they were written; 1 in the first format, which doesn't say.
        records: how many.
        at_hand: whether the key is here to open them.
        current: whether this is how records are written now: by this key, in this format.
    """

    key_id: str
    version: int
    records: int
    at_hand: bool
    current: bool


@dataclass(frozen=True, slots=True)
class RootKey:
    """One root key as people are told of it.

    Attributes:
        key_id: 16 hex digits.
        version: the key's version when the records were written.
        current: records are written under it now.
        at_hand: it is here to open them.
        records: how many hang on it.
        made_at: None where nobody wrote that down, as with keys in the environment.
    """

    key_id: str
    version: int
    current: bool
    at_hand: bool
    records: int
    made_at: datetime | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One signing key as people are told of it.

    Attributes:
        purpose: what it signs, such as `face_token` and `audit`.
        retired_at: since when it signs no more; None while it does.
    """

    kid: str
    purpose: str
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of some records that were not under the current key.

    Attributes:
        done: under the current key now.
        gone: erased, or done by somebody else, at the same time.
        without_key: their root key is not at hand.
        broken: changed since they were written.
    """

    done: int = 0
    gone: int = 0
    without_key: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation that left nothing behind.

    Attributes:
        rewrapped: how many records were put under the current key.
        uses: every record there is, by key.
    """

    rewrapped: int
    uses: tuple[KeyUse, ...]
