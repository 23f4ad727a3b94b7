"""Rows that open doors: operators, API keys, refresh tokens, the networks that decide.

Only this deployment can write them.

Each carries a keyed hash of what it says. Whoever can write to the database but has no keys can
neither make an account nor give one another role, password or end; a row that they touched
counts as if it weren't there.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

import structlog
from sqlalchemy import RowMapping, Table

log = structlog.get_logger(__name__)

NOT_BOUND: Mapping[str, frozenset[str]] = {
    "operators": frozenset({"vouched"}),
    "api_keys": frozenset({"vouched", "last_used_at"}),
    "refresh_tokens": frozenset({"vouched", "used_at", "revoked_at"}),
    "network_choices": frozenset({"vouched"}),
}
"""What changes without the rest. A used or ended refresh token that is put back lasts hours at most."""


class Vouching:
    """Marks rows, and tells those that carry their mark."""

    def __init__(self, key: bytes) -> None:
        """Derive a key of its own from one of the deployment."""
        self._key = hmac.new(key, b"facekey rows of accounts", hashlib.sha256).digest()

    def vouched(self, table: Table, row: Mapping[str, object]) -> dict[str, object]:
        """A row as it is to be stored. Columns that are left out are null."""
        return {**row, "vouched": self._mark(table, row)}

    def counts(self, table: Table, row: RowMapping) -> bool:
        """Whether a row says what this deployment wrote."""
        fits = hmac.compare_digest(str(row["vouched"]).encode(), self._mark(table, row).encode())
        if not fits:
            log.error("account_row_changed", table=table.name)
        return fits

    def _mark(self, table: Table, row: Mapping[str, object] | RowMapping) -> str:
        said = [
            table.name,
            *(row.get(name) for name in sorted(table.c.keys()) if name not in NOT_BOUND[table.name]),
        ]
        return hmac.new(self._key, json.dumps(said).encode(), hashlib.sha256).hexdigest()
