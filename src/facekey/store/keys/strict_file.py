"""Files that only the service's own user may read: refused when anybody else could.

On Windows that can't be told by permission bits, and key files are refused altogether.
"""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from facekey.core.errors import SettingsInvalid

if sys.platform != "win32":
    import fcntl

OTHERS = stat.S_IRWXG | stat.S_IRWXO
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stamp:
    """Tells one state of a file from another."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def stamp_of(path: Path) -> Stamp | None:
    """The state a file is in; None when it can't be looked at."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def read_strictly(path: Path) -> tuple[bytes, Stamp]:
    """Read a file that nobody else may read or write. A link is followed and its target judged.

    Raises:
        SettingsInvalid: it isn't there, isn't a file, is another user's or open to others.
    """
    _refuse_windows()
    try:
        # Not blocking: a pipe in the file's place must not hold the service up.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SettingsInvalid(f"the key file {path} can't be read: {error.strerror}") from error
    try:
        # Judged by the open file: what the path names could be exchanged between look and read.
        state = os.fstat(descriptor)
        _refuse_loose(path, state)
        return os.read(descriptor, MAX_BYTES), _stamp(state)
    finally:
        os.close(descriptor)


def write_strictly(path: Path, content: bytes) -> None:
    """Put a file in place in one step, readable by its owner only. A link stays; its target is replaced.

    Raises:
        SettingsInvalid: it can't be written.
    """
    target = path.resolve()
    written = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        try:
            descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            written.replace(target)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # makes the rename last
        finally:
            os.close(folder)
    except OSError as error:
        raise SettingsInvalid(f"the key file {path} can't be written: {error.strerror}") from error


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the file's folder against others who would change the file at the same time.

    Raises:
        SettingsInvalid: there is no such folder.
    """
    _refuse_windows()
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except OSError as error:
        raise SettingsInvalid(f"the folder of the key file {path} can't be used: {error.strerror}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise SettingsInvalid(
            "key files can't be protected on Windows here; use FACEKEY_KEY_PROVIDER=environment"
        )


def _refuse_loose(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise SettingsInvalid(f"the key file {path} is not a file")
    if state.st_uid != os.geteuid():
        raise SettingsInvalid(
            f"the key file {path} belongs to user {state.st_uid}, not to the service's user {os.geteuid()}; "
            f"run: chown {os.geteuid()} {path}"
        )
    if state.st_mode & OTHERS:
        raise SettingsInvalid(f"the key file {path} is open to other users; run: chmod 600 {path}")
    if state.st_size > MAX_BYTES:
        raise SettingsInvalid(f"the key file {path} is too large to be one")


def _stamp(state: os.stat_result) -> Stamp:
    return Stamp(state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
