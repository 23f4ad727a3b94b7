"""Root keys from the environment: ENCRYPTION_KEY seals, ENCRYPTION_KEY_PREVIOUS may still open."""

from collections.abc import Iterable
from datetime import datetime

from facekey.core.errors import SettingsInvalid
from facekey.store.keys.encryption_key import EncryptionKey


class EnvironmentKeys:
    """Implements `store.sealing.KeyProvider`. A process has these keys until it ends."""

    def __init__(self, current: EncryptionKey, previous: Iterable[EncryptionKey] = ()) -> None:
        """Take the key that seals, and others that only open."""
        self._current = current
        self._keys = {key.key_id: key for key in (*previous, current)}

    @classmethod
    def parse(cls, current: str, previous: str) -> "EnvironmentKeys":
        """Read both settings.

        Args:
            current: one key.
            previous: any number of keys, separated by commas.

        Raises:
            SettingsInvalid: one of them can't be used; says which, never shows it.
        """
        others = [text for text in previous.split(",") if text.strip()]
        read = [EncryptionKey.parse(text, "ENCRYPTION_KEY_PREVIOUS") for text in others]
        if len({key.key_id for key in read}) != len(read):
            raise SettingsInvalid("ENCRYPTION_KEY_PREVIOUS names a key twice")
        return cls(EncryptionKey.parse(current), read)

    def current(self) -> EncryptionKey:
        """The key to seal with."""
        return self._current

    def find(self, key_id: bytes) -> EncryptionKey | None:
        """The key of this id, if it is at hand."""
        return self._keys.get(key_id)

    def made_at(self, key_id: bytes) -> datetime | None:  # noqa: ARG002 - the environment says it of none
        """Not known."""
        return None
