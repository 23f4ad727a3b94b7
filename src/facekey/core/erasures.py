"""Erasures: who was erased and when, by receipts and by the log. A restored backup brings them back."""

import json
from datetime import UTC, datetime

from facekey.core.audit_lines import parse_receipt
from facekey.core.errors import SignatureWrong

ACTION, OUTCOME = "erase", "erased"


def read_erasures(text: str) -> dict[str, datetime]:
    """When each pseudonym was last erased.

    Args:
        text: an erasure receipt, an export of the log, or bodies of its records, one a line. Signatures
            aren't looked at: who may erase may also write the file.

    Raises:
        ValueError: it is none of them.
    """
    try:
        said, _ = parse_receipt(text)
    except SignatureWrong:
        pass
    else:
        return {said.subject: said.erased_at}
    erased: dict[str, datetime] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            found = _erasure(line, number)
            if found is not None:
                subject, at = found
                erased[subject] = max(at, erased.get(subject, at))
    return erased


def _erasure(line: str, number: int) -> tuple[str, datetime] | None:
    try:
        told = json.loads(line)
        if told.get("type") == "checkpoint":
            return None
        body = json.loads(told["body"]) if told.get("type") == "record" else told
        if (body["action"], body["outcome"]) != (ACTION, OUTCOME):
            return None
        subject, at = body["subject"], datetime.fromisoformat(body["at"]).astimezone(UTC)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"line {number} is neither an exported nor a plain record of the log, and the file is no receipt"
        ) from error
    return str(subject), at
