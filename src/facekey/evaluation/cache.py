"""Cache: what was made of pictures, kept so that a second evaluation is quick.

Vectors of faces are biometric data. They lie in a folder that only its owner can enter,
under hashes instead of names, and `facekey evaluate forget` removes them all.
"""

import base64
import binascii
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from facekey.core.types import ModelId
from facekey.evaluation.acquire import Capture
from facekey.evaluation.wrong import unusable

FILE = "captures.db"
COMMIT_EVERY_S = 2.0
WAIT_S = 30.0  # for another evaluation that writes


class Captures(Protocol):
    """Where captures are kept between runs."""

    def get(self, state: str, image: bytes) -> Capture | None:
        """What was made of these bytes in this state, if it is known."""
        ...

    def put(self, state: str, image: bytes, capture: Capture) -> None:
        """Keep it."""
        ...


class Forgetful:
    """Implements `Captures` for `--no-cache`: nothing is read, nothing is left on the disk."""

    def get(self, state: str, image: bytes) -> Capture | None:
        """Nothing."""
        del state, image
        return None

    def put(self, state: str, image: bytes, capture: Capture) -> None:
        """Nothing."""
        del state, image, capture


class CaptureCache:
    """Implements `Captures` with a SQLite file. An interrupted run goes on where it was."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open file; `open_cache` makes one."""
        self._connection = connection
        self._committed = time.monotonic()

    def get(self, state: str, image: bytes) -> Capture | None:
        """What was made of these bytes in this state, if it is known; what can't be read isn't."""
        row = self._connection.execute(
            "SELECT capture FROM captures WHERE key = ?", (_key(state, image),)
        ).fetchone()
        try:
            return None if row is None else _read(row[0])
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            return None

    def put(self, state: str, image: bytes, capture: Capture) -> None:
        """Keep it; written to the disk every few seconds."""
        self._connection.execute(
            "INSERT OR REPLACE INTO captures VALUES (?, ?)", (_key(state, image), _written(capture))
        )
        if time.monotonic() - self._committed > COMMIT_EVERY_S:
            self._connection.commit()
            self._committed = time.monotonic()


@contextmanager
def open_cache(folder: Path) -> Iterator[CaptureCache]:
    """Open the cache, made where there is none: the folder is its owner's alone.

    Raises:
        RequestInvalid: it can't be opened; says to do without.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # also where it was made with other rights
        (folder / FILE).touch(mode=0o600)
        with closing(sqlite3.connect(folder / FILE, timeout=WAIT_S)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS captures (key BLOB PRIMARY KEY, capture TEXT)")
            yield CaptureCache(connection)
            connection.commit()
    except (OSError, sqlite3.Error) as error:
        raise unusable(f"the cache {folder} can't be used ({error}): --no-cache does without it") from error


def forget(folder: Path) -> bool:
    """Remove all that is kept; whether there was anything."""
    files = [folder / f"{FILE}{suffix}" for suffix in ("", "-journal", "-wal", "-shm")]
    there = [path for path in files if path.exists()]
    for path in there:
        path.unlink()
    return bool(there)


def _key(state: str, image: bytes) -> bytes:
    return hashlib.sha256(state.encode() + b"\0" + hashlib.sha256(image).digest()).digest()


def _written(capture: Capture) -> str:
    return json.dumps(
        {
            "vectors": {
                model: base64.b64encode(vector.astype("<f4").tobytes()).decode()
                for model, vector in capture.vectors.items()
            },
            "sent_back": capture.sent_back,
            "crowded": capture.crowded,
            "liveness": capture.liveness,
        }
    )


def _read(text: str) -> Capture:
    values = json.loads(text)
    vectors = {
        ModelId(model): np.frombuffer(base64.b64decode(vector, validate=True), "<f4")
        for model, vector in values["vectors"].items()
    }
    if not all(abs(float(np.linalg.norm(vector)) - 1.0) < 1e-3 for vector in vectors.values()):
        raise ValueError("a vector is not of length 1")
    return Capture(vectors, values["sent_back"], values["crowded"], values["liveness"])
