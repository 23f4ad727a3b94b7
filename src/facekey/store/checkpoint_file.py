"""A file of checkpoints outside of the database: whoever puts back all of the database doesn't reach it."""

import os
from pathlib import Path

from facekey.core.audit_lines import checkpoint_line
from facekey.core.audit_statements import Checkpoint
from facekey.core.errors import SettingsInvalid, StoreUnavailable


class CheckpointFile:
    """Adds a line for each checkpoint. Replicas on one machine may share the file."""

    def __init__(self, path: Path) -> None:
        """Make the file, for its owner to read, if there is none.

        Raises:
            SettingsInvalid: it can't be written.
        """
        self._path = path
        try:
            os.close(self._open())
        except OSError as error:
            raise SettingsInvalid(
                f"FACEKEY_AUDIT_CHECKPOINT_FILE: {path} can't be written: {error.strerror}"
            ) from error

    def __call__(self, checkpoint: Checkpoint) -> None:
        """Add one line; it is on the disk when this returns.

        Raises:
            StoreUnavailable: it isn't, and the checkpoint must not be made.
        """
        try:
            descriptor = self._open()
            try:
                os.write(descriptor, (checkpoint_line(checkpoint) + "\n").encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"{self._path} can't be written: {error.strerror}") from error

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
