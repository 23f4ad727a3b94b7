"""Vitals: how the stores are, in a few numbers that name nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at the database and the keys.

    Attributes:
        at: when.
        kept_out: how many wait or are locked because of failures, by what they are counted under.
        alerts_waiting: messages that are not sent yet.
        alerts_given_up: messages that could not be sent.
        audit_records: records in the log.
        checkpoint_at: when the newest checkpoint was signed; None before the first.
        keys_made_at: when the current key for each purpose was made; those that don't know are left out.
    """

    at: datetime
    kept_out: Mapping[str, int]
    alerts_waiting: int
    alerts_given_up: int
    audit_records: int
    checkpoint_at: datetime | None
    keys_made_at: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class AuditLook:
    """One look at the end of the audit log.

    Attributes:
        intact: all of it that was looked at adds up.
    """

    at: datetime
    intact: bool
