"""Files that are whole or absent, whatever happens while they are written."""

import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facekey.core.errors import HashMismatch, SourceFailed

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place in one step: readers see the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's: its files are private, and a cache may be filled by one user for another.
    written = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with written.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(written, path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def put_in_place(written: Path, path: Path) -> None:
    """Rename a finished file of the same folder over `path`, and make the rename last."""
    written.replace(path)
    if sys.platform != "win32":  # Windows can't open a folder, and doesn't need to.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Read a file that must not be larger than `max_bytes`.

    Raises:
        SourceFailed: it is.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise SourceFailed(f"{path.name} is larger than {max_bytes} bytes")
    return content


def require_sha256(content: bytes, expected: str, what: str) -> None:
    """Check bytes before anything reads them.

    Raises:
        HashMismatch: they are other bytes.
    """
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected:
        raise HashMismatch(what, expected, actual)


def sha256_of(path: Path) -> str:
    """Hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; one that dies lets go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
