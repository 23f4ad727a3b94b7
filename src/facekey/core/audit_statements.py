"""What the deployment signs, so that others can rely on it: checkpoints of the log, receipts of erasures.

A statement is canonical JSON; its `type` keeps a signature of one kind from passing for
another. The verifier needs the public key and nothing else.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from facekey.core.audit import Anchor, Head


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature.

    Attributes:
        kid: the first bytes of the public key's hash, hex.
        value: 64 bytes.
    """

    kid: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The deployment's word that the log ended with this record at this time."""

    head: Head
    at: datetime
    signature: Signature

    @property
    def statement(self) -> bytes:
        """What is signed."""
        return checkpoint_statement(self.head, self.at)

    @property
    def anchor(self) -> Anchor:
        """What it says of the chain."""
        return Anchor(self.head.sequence, self.head.digest, f"the checkpoint of {_time(self.at)}")


@dataclass(frozen=True, slots=True)
class ErasureStatement:
    """What an erasure receipt says.

    Attributes:
        subject: the person's pseudonym: the receipt names nobody to those who don't know them.
        head: the record of the erasure in the audit log.
    """

    subject: str
    erased_at: datetime
    head: Head

    @property
    def statement(self) -> bytes:
        """What is signed."""
        return _canonical(
            {
                "type": "facekey erasure",
                "subject": self.subject,
                "erased_at": _time(self.erased_at),
                "audit_sequence": self.head.sequence,
                "audit_digest": self.head.digest.hex(),
            }
        )


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """When the next checkpoint is due.

    Attributes:
        records: after so many.
        time: after so long, if there was any record at all.
    """

    records: int = 1000
    time: timedelta = timedelta(hours=1)

    def due(self, head: Head, last: Checkpoint | None, at: datetime) -> bool:
        """Whether it is time."""
        new = head.sequence - (0 if last is None else last.head.sequence)
        if new <= 0:
            return False
        return last is None or new >= self.records or at - last.at >= self.time


AT_ONCE = CheckpointPolicy(records=1)


def checkpoint_statement(head: Head, at: datetime) -> bytes:
    """What a checkpoint signs."""
    return _canonical(
        {
            "type": "facekey checkpoint",
            "sequence": head.sequence,
            "digest": head.digest.hex(),
            "at": _time(at),
        }
    )


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _canonical(said: dict[str, str | int]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
