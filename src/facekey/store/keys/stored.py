"""Root keys from a key file, in the open or wrapped by a key management service.

The file is read again when it has changed, and whenever a record names a key that isn't
known: a new key needs no restart. All keys of a running service come from the newest
state that could be read; a file that is gone takes nothing away from it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from facekey.core.errors import KeyUnavailable, SettingsInvalid
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.key_list import KeyList
from facekey.store.keys.strict_file import Stamp, alone, read_strictly, stamp_of, write_strictly


class KeyWrapping(Protocol):
    """What stands between the key file and the keys in it: nothing, or a key management service."""

    @property
    def protection(self) -> str:
        """The name of this way to keep keys; a file names the one it was written with."""
        ...

    def new_key(self, version: int) -> bytes:
        """A new random key, as the file keeps it.

        Raises:
            KeyUnavailable: none can be made now.
        """
        ...

    def open(self, kept: bytes, version: int) -> bytes:
        """The 32 bytes of a key from what the file keeps.

        Raises:
            KeyUnavailable: not now, or not by us; says why.
        """
        ...


class InTheOpen:
    """Implements `KeyWrapping`: the file holds the keys themselves; its permissions protect them."""

    protection = "none"

    def new_key(self, version: int) -> bytes:
        """32 random bytes."""
        return EncryptionKey.generate(version).secret

    def open(self, kept: bytes, version: int) -> bytes:  # noqa: ARG002 - says nothing here
        """The key as it stands there."""
        return kept


class StoredKeys:
    """Implements `store.sealing.KeyProvider`."""

    def __init__(self, path: Path, wrapping: KeyWrapping) -> None:
        """Read the file.

        Raises:
            SettingsInvalid: it is missing, open to others, or not a key file.
            KeyUnavailable: its keys can't be unwrapped.
        """
        self._path = path
        self._wrapping = wrapping
        self._opened: dict[tuple[int, bytes], EncryptionKey] = {}
        self._load()

    def current(self) -> EncryptionKey:
        """The key to seal with, by the newest state of the file.

        Raises:
            KeyUnavailable: the file has changed to something that can't be used.
        """
        self._load_if_changed()
        return self._current

    def find(self, key_id: bytes) -> EncryptionKey | None:
        """The key of this id; one that isn't known is looked for in the file.

        Raises:
            KeyUnavailable: the file has changed to something that can't be used.
        """
        if key_id not in self._keys:
            self._load_if_changed()
        return self._keys.get(key_id)

    def made_at(self, key_id: bytes) -> datetime | None:
        """When a key was put into the file; None for keys that aren't in it, or if it doesn't say."""
        return self._made_at.get(key_id)

    def _load_if_changed(self) -> None:
        stamp = stamp_of(self._path)
        if stamp is None or stamp == self._stamp:
            return
        try:
            self._load()
        except SettingsInvalid as error:
            raise KeyUnavailable(str(error)) from error

    def _load(self) -> None:
        listed, stamp = read_key_list(self._path, self._wrapping)
        # A key management service is asked once for each key, not at every look at the file.
        opened = {(key.version, key.kept): self._open(key.kept, key.version) for key in listed.keys}
        self._opened = opened
        self._keys = {key.key_id: key for key in opened.values()}
        self._current = next(key for key in opened.values() if key.version == listed.current)
        self._made_at = {
            opened[key.version, key.kept].key_id: made_at
            for key in listed.keys
            if (made_at := _time(key.created_at)) is not None
        }
        self._stamp: Stamp = stamp

    def _open(self, kept: bytes, version: int) -> EncryptionKey:
        known = self._opened.get((version, kept))
        if known is not None:
            return known
        name = f"version {version} of the key file"
        return EncryptionKey.checked(self._wrapping.open(kept, version), version, name)


def _time(written: str) -> datetime | None:
    """A time that people may have edited."""
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except ValueError:
        return None


def read_key_list(path: Path, wrapping: KeyWrapping) -> tuple[KeyList, Stamp]:
    """The keys of a file as they are kept there.

    Raises:
        SettingsInvalid: it is missing, open to others, not a key file, or of another provider.
    """
    content, stamp = read_strictly(path)
    listed = KeyList.parse(content)
    if listed.protection != wrapping.protection:
        raise SettingsInvalid(
            f"the keys of {path} are protected by {listed.protection!r}, and FACEKEY_KEY_PROVIDER "
            f"chooses {wrapping.protection!r}"
        )
    return listed, stamp


def add_key(path: Path, wrapping: KeyWrapping, at: datetime, *, make_current: bool) -> KeyList:
    """Add a new key to a file, which is made when there is none.

    Raises:
        SettingsInvalid: the file can't be used or written.
        KeyUnavailable: the key management service makes none now.
    """

    def add(listed: KeyList) -> KeyList:
        kept = wrapping.new_key(listed.next_version())
        return listed.with_key(kept, at, make_current=make_current)

    return _change(path, wrapping, add)


def use_key(path: Path, wrapping: KeyWrapping, version: int) -> KeyList:
    """Make another key of a file the one that seals.

    Raises:
        SettingsInvalid: the file can't be used or written, or has no such version.
    """
    return _change(path, wrapping, lambda listed: listed.with_current(version))


def _change(path: Path, wrapping: KeyWrapping, change: Callable[[KeyList], KeyList]) -> KeyList:
    with alone(path):
        # A dangling link counts as there: it is an error, not a place to begin anew.
        there = path.exists() or path.is_symlink()
        listed = read_key_list(path, wrapping)[0] if there else KeyList(wrapping.protection, 0, ())
        changed = change(listed)
        write_strictly(path, changed.written())
        return changed
