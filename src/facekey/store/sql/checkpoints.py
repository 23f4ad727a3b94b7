"""Signed checkpoints of the audit chain, in the database and, if wished, in a file outside of it."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import insert, select

from facekey.core.audit import head_key_of, open_head
from facekey.core.audit_statements import Checkpoint, CheckpointPolicy, checkpoint_statement
from facekey.core.ports.audit import Signer
from facekey.store.sql.audit_trail import checkpoint_of, read_head
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import audit_checkpoints
from facekey.store.sql.times import written

Witness = Callable[[Checkpoint], None]
"""Is told of each checkpoint before the database has it, so that it never knows of fewer."""


class SqlCheckpoints:
    """Implements `core.ports.audit.Checkpoints`."""

    def __init__(
        self, database: Database, signer: Signer, *, pseudonym_key: bytes, witness: Witness | None = None
    ) -> None:
        """Take who signs, and the key that the head's key is derived from."""
        self._database = database
        self._signer = signer
        self._head_key = head_key_of(pseudonym_key)
        self._witness = witness

    async def write(self, policy: CheckpointPolicy, *, at: datetime) -> Checkpoint | None:
        """Sign where the log ends now, if that is due; None when it isn't.

        Several services may ask at once: writers take turns, and who comes second finds that
        nothing is due any more.

        Raises:
            AuditBroken: the head isn't the deployment's own; nothing was signed.
            StoreUnavailable: nothing was signed.
        """

        async def look(connection: Connection) -> bool:
            stored = await read_head(connection)
            return stored is not None and policy.due(stored.head, await _last(connection), at)

        if not await self._database.read(look):  # without taking the lock that all writers wait for
            return None

        async def writing(connection: Connection) -> Checkpoint | None:
            stored = await read_head(connection)
            if stored is None or not policy.due(stored.head, await _last(connection), at):
                return None
            head = open_head(stored, self._head_key)
            signature = self._signer.sign(checkpoint_statement(head, at))
            made = Checkpoint(head, at, signature)
            if self._witness is not None:
                self._witness(made)
            await connection.execute(
                insert(audit_checkpoints).values(
                    sequence=head.sequence,
                    digest=head.digest,
                    at=written(at),
                    signature=bytes.fromhex(signature.kid) + signature.value,
                )
            )
            return made

        return await self._database.write(writing)


async def _last(connection: Connection) -> Checkpoint | None:
    row = (
        await connection.execute(
            select(audit_checkpoints).order_by(audit_checkpoints.c.sequence.desc()).limit(1)
        )
    ).first()
    return None if row is None else checkpoint_of(*row)
