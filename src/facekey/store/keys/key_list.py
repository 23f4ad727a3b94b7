"""What stands in a key file: root keys by version, each as it is kept, and which one seals.

    {"format": 1, "protection": "none", "current": 2,
     "keys": [{"version": 1, "kept": "<base64>", "created_at": "..."}, ...]}

`protection` says what `kept` is: the key itself (`none`) or the key as a key management
service wrapped it, so that a file of one kind is never taken for the other.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field, replace
from datetime import datetime

from facekey.core.errors import SettingsInvalid
from facekey.store.keys.encryption_key import FIRST_VERSION, LAST_VERSION

FORMAT = 1


@dataclass(frozen=True, slots=True)
class KeptKey:
    """One root key as the file has it.

    Attributes:
        kept: the key, or what a key management service made of it.
        created_at: ISO 8601, for people.
    """

    version: int
    kept: bytes = field(repr=False)
    created_at: str


@dataclass(frozen=True, slots=True)
class KeyList:
    """The content of a key file.

    Attributes:
        current: the version that seals.
    """

    protection: str
    current: int
    keys: tuple[KeptKey, ...]

    def next_version(self) -> int:
        """The version that a new key gets; a number is never given twice.

        Raises:
            SettingsInvalid: there are no more.
        """
        version = max((key.version for key in self.keys), default=FIRST_VERSION - 1) + 1
        if version > LAST_VERSION:
            raise SettingsInvalid(f"the key file has {LAST_VERSION} versions, which is the most there can be")
        return version

    def with_key(self, kept: bytes, at: datetime, *, make_current: bool) -> "KeyList":
        """The list with one more key.

        Raises:
            SettingsInvalid: there can be no more.
        """
        added = KeptKey(self.next_version(), kept, at.isoformat(timespec="seconds"))
        current = added.version if make_current or not self.keys else self.current
        return replace(self, current=current, keys=(*self.keys, added))

    def with_current(self, version: int) -> "KeyList":
        """The list with another key that seals.

        Raises:
            SettingsInvalid: there is no such version.
        """
        if version not in {key.version for key in self.keys}:
            raise SettingsInvalid(f"the key file has no version {version}")
        return replace(self, current=version)

    def written(self) -> bytes:
        """The form that `parse` reads."""
        keys = [
            {
                "version": key.version,
                "kept": base64.b64encode(key.kept).decode(),
                "created_at": key.created_at,
            }
            for key in self.keys
        ]
        values = {"format": FORMAT, "protection": self.protection, "current": self.current, "keys": keys}
        return (json.dumps(values, indent=2) + "\n").encode()

    @classmethod
    def parse(cls, content: bytes) -> "KeyList":
        """Read a key file.

        Raises:
            SettingsInvalid: it is not one; never shows what stands in it.
        """
        try:
            values = json.loads(content)
            keys = tuple(
                KeptKey(
                    _version(entry["version"]),
                    base64.b64decode(entry["kept"], validate=True),
                    str(entry["created_at"]),
                )
                for entry in values["keys"]
            )
            current = _version(values["current"])
            known = values["format"] == FORMAT
            protection = str(values["protection"])
        except (ValueError, TypeError, KeyError, binascii.Error, RecursionError):
            raise SettingsInvalid(
                "the key file can't be read: it is not what `facekey keys add` writes"
            ) from None
        versions = {key.version for key in keys}
        if not known or len(versions) != len(keys) or current not in versions:
            raise SettingsInvalid(
                "the key file doesn't add up: its format is another, a version stands there twice, "
                "or the current one is missing"
            )
        return cls(protection, current, keys)


def _version(value: object) -> int:
    if type(value) is not int or not FIRST_VERSION <= value <= LAST_VERSION:
        raise ValueError("not a version")
    return value
