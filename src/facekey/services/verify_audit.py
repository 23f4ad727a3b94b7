"""Verify audit: is the log whole, from its first record to its sealed head?"""

import asyncio
from collections.abc import Iterable

from facekey.core.audit import Anchor, ChainCheck, Head, SealedHead, head_key_of, open_head
from facekey.core.audit_lines import Verified, verify_checkpoint
from facekey.core.errors import AuditBroken, TooManyAtOnce
from facekey.core.ports.audit import AuditTrail, SignatureVerifier
from facekey.services.watch_audit import TellAuditBroken


class VerifyAudit:
    """Checks the chain, its head and its checkpoints. One check at a time: each reads all of the log."""

    def __init__(
        self,
        *,
        trail: AuditTrail,
        verifier: SignatureVerifier | None,
        pseudonym_key: bytes | None,
        tell: TellAuditBroken | None = None,
    ) -> None:
        """Take the keys at hand; without one, what it proves isn't checked, and the answer says so."""
        self._tell = tell
        self._trail = trail
        self._verifier = verifier
        self._head_key = None if pseudonym_key is None else head_key_of(pseudonym_key)
        self._running = asyncio.Lock()

    async def __call__(self, anchors: Iterable[Anchor] = ()) -> Verified:
        """Check all there is now; records that come meanwhile are checked as well.

        (1) Open the sealed head. (2) Check the signature of every checkpoint. (3) Follow the
        chain past head and checkpoints. (4) Look at the head again: nothing may stand behind it.

        Args:
            anchors: what is known of the log from elsewhere.

        Raises:
            AuditBroken: names the first record that doesn't add up.
            TooManyAtOnce: somebody else has it checked right now.
            StoreUnavailable: the log can't be read.
        """
        if self._running.locked():
            raise TooManyAtOnce(1)
        async with self._running:
            try:
                return await self._verify(list(anchors))
            except AuditBroken as error:
                if self._tell is not None:
                    await self._tell(error)
                raise

    async def _verify(self, anchors: list[Anchor]) -> Verified:
        # (1)
        begun = self._open(await self._trail.head())
        # (2)
        checkpoints = await self._trail.checkpoints()
        for checkpoint in checkpoints:
            verify_checkpoint(checkpoint, self._verifier)
            anchors.append(checkpoint.anchor)
        if begun is not None:
            anchors.append(_anchor(begun))
        # (3)
        check = ChainCheck(anchors)
        async for record in self._trail.records():
            check.take(record)
        head = check.end()
        # (4) Read after the records, it can only be further on than they are.
        ended = self._open(await self._trail.head())
        if ended is None and head.sequence > 0:
            raise AuditBroken(head.sequence, "no sealed head says that it is the last: the head was removed")
        if ended is not None and ended.sequence < head.sequence:
            raise AuditBroken(
                ended.sequence + 1, "stands behind the sealed head of the log: it was put there"
            )
        signed = checkpoints[-1].head.sequence if checkpoints and self._verifier is not None else 0
        return Verified(
            head,
            len(checkpoints) if self._verifier is not None else 0,
            signed,
            sealed=self._head_key is not None and ended is not None,
        )

    def _open(self, sealed: SealedHead | None) -> Head | None:
        if sealed is None:
            return None
        return sealed.head if self._head_key is None else open_head(sealed, self._head_key)


def _anchor(head: Head) -> Anchor:
    return Anchor(head.sequence, head.digest, "the sealed head of the log")
