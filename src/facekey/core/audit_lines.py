"""The audit log as JSON lines: how it is exported, and how an export is verified by whoever has it.

One object a line: `record` for each record, `checkpoint` after the record that it signs.
The last line is a checkpoint: an export whose end was cut off has none there. The same
`checkpoint` lines make up the file of checkpoints that is kept outside of the database.
"""

import json
import operator
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from facekey.core.audit import Anchor, ChainCheck, ChainedRecord, Head
from facekey.core.audit_statements import Checkpoint, ErasureStatement, Signature
from facekey.core.errors import AuditBroken, SignatureWrong
from facekey.core.ports.audit import SignatureVerifier

MAX_LINE = 1_000_000  # far more than any record; a file without line ends must not fill the memory


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found to be in order.

    Attributes:
        checkpoints: signatures that were checked.
        signed_up_to: the last record that a checkpoint vouches for; 0 when none does.
        sealed: the head's seal was checked.
    """

    head: Head
    checkpoints: int
    signed_up_to: int
    sealed: bool = False


def record_line(record: ChainedRecord) -> str:
    """One record."""
    return _line(
        {
            "type": "record",
            "sequence": record.sequence,
            "body": record.body,  # as text: it is hashed to the byte
            "previous": record.previous.hex(),
            "digest": record.digest.hex(),
        }
    )


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """One checkpoint."""
    return _line(
        {
            "type": "checkpoint",
            "sequence": checkpoint.head.sequence,
            "digest": checkpoint.head.digest.hex(),
            "at": checkpoint.at.isoformat(timespec="milliseconds"),
            "kid": checkpoint.signature.kid,
            "signature": checkpoint.signature.value.hex(),
        }
    )


async def export_lines(
    records: AsyncIterator[ChainedRecord], checkpoints: Sequence[Checkpoint]
) -> AsyncIterator[str]:
    """A log as lines, one at a time."""
    at = {checkpoint.head.sequence: checkpoint for checkpoint in checkpoints}
    async for record in records:
        yield record_line(record)
        if record.sequence in at:
            yield checkpoint_line(at[record.sequence])


def parse_line(line: str, number: int) -> ChainedRecord | Checkpoint:
    """What one line says.

    Raises:
        AuditBroken: it is no line of such a file.
    """
    try:
        said = json.loads(line)
        head = Head(operator.index(said["sequence"]), bytes.fromhex(said["digest"]))
        if said["type"] == "checkpoint":
            at = datetime.fromisoformat(said["at"])
            return Checkpoint(head, at, Signature(said["kid"], bytes.fromhex(said["signature"])))
        if said["type"] == "record":
            return ChainedRecord(
                head.sequence, str(said["body"]), bytes.fromhex(said["previous"]), head.digest
            )
    except (ValueError, KeyError, TypeError) as error:
        raise AuditBroken(number, f"line {number} of the file can't be read") from error
    raise AuditBroken(number, f"line {number} of the file is neither a record nor a checkpoint")


def read_checkpoints(lines: Iterable[str], verifier: SignatureVerifier | None) -> list[Checkpoint]:
    """The checkpoints of a file of them.

    Raises:
        AuditBroken: a line is none, or has a signature that isn't the deployment's.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        checkpoint = parse_line(line, number)
        if not isinstance(checkpoint, Checkpoint):
            raise AuditBroken(number, f"line {number} of the file is no checkpoint")
        verify_checkpoint(checkpoint, verifier)
        found.append(checkpoint)
    return found


def verify_checkpoint(checkpoint: Checkpoint, verifier: SignatureVerifier | None) -> None:
    """Return when the deployment signed it, or when there is no key to tell by.

    Raises:
        AuditBroken: it was forged or changed.
    """
    if verifier is None:
        return
    try:
        verifier.verify(checkpoint.statement, checkpoint.signature)
    except SignatureWrong as error:
        raise AuditBroken(
            checkpoint.head.sequence, f"has a checkpoint that can't be trusted: {error}"
        ) from error


def verify_lines(
    lines: Iterable[str], *, verifier: SignatureVerifier | None, anchors: Iterable[Anchor] = ()
) -> Verified:
    """Verify an export, a line in memory at a time.

    Args:
        lines: of the file.
        verifier: the deployment's public keys. Without them only the links between records
            are checked, which whoever rewrites all of the file can make anew.
        anchors: what is known of the log from elsewhere, such as its file of checkpoints.

    Raises:
        AuditBroken: names the first record that doesn't add up.
    """
    check = ChainCheck(anchors)
    checkpoints = signed = 0
    for number, line in enumerate(lines, start=1):
        said = parse_line(line, number)
        if isinstance(said, ChainedRecord):
            check.take(said)
            continue
        verify_checkpoint(said, verifier)
        if said.head != check.head:
            raise AuditBroken(
                said.head.sequence, f"isn't the one that {said.anchor.said_by} names, or stands elsewhere"
            )
        checkpoints, signed = checkpoints + 1, said.head.sequence
    head = check.end()
    if verifier is not None and signed < head.sequence:
        raise AuditBroken(
            signed + 1,
            "and all after it have no checkpoint behind them: they were added, or the end was cut off",
        )
    return Verified(head, checkpoints if verifier is not None else 0, signed if verifier is not None else 0)


def receipt_text(said: ErasureStatement, signature: Signature) -> str:
    """An erasure receipt as a file."""
    return (
        json.dumps(
            {
                "subject": said.subject,
                "erased_at": said.erased_at.isoformat(timespec="milliseconds"),
                "audit_sequence": said.head.sequence,
                "audit_digest": said.head.digest.hex(),
                "kid": signature.kid,
                "signature": signature.value.hex(),
            },
            indent=2,
        )
        + "\n"
    )


def parse_receipt(text: str) -> tuple[ErasureStatement, Signature]:
    """An erasure receipt, as the API and the command line give it.

    Raises:
        SignatureWrong: it is none.
    """
    try:
        said = json.loads(text)
        head = Head(operator.index(said["audit_sequence"]), bytes.fromhex(said["audit_digest"]))
        statement = ErasureStatement(str(said["subject"]), datetime.fromisoformat(said["erased_at"]), head)
        return statement, Signature(str(said["kid"]), bytes.fromhex(said["signature"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SignatureWrong("the file is no erasure receipt") from error


def _line(said: dict[str, str | int]) -> str:
    return json.dumps(said, separators=(",", ":"))
