"""Label: keep the groups that a person declared, for bias monitoring and for nothing else."""

from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.labels import Vocabulary
from facekey.core.ports.bias import Labels, LabelStore
from facekey.core.ports.clocks import Clock
from facekey.core.types import SubjectId


class Label:
    """Keeps, shows and forgets declared groups."""

    def __init__(self, *, labels: LabelStore, vocabulary: Vocabulary, clock: Clock) -> None:
        """Take the store and the words that may be used."""
        self._labels = labels
        self.vocabulary = vocabulary
        self._clock = clock

    async def __call__(self, subject_id: SubjectId, labels: Labels, *, caller: Caller) -> Labels:
        """Replace a person's labels. The record says that, and not which.

        Raises:
            RequestInvalid: a label is not in the vocabulary.
            SubjectUnknown: there is nobody of that id.
            ConsentMissing: the person hasn't consented to bias monitoring, or no longer.
            StoreUnavailable: nothing was changed.
        """
        self.vocabulary.check(labels)
        await self._labels.put(subject_id, labels, self._event(subject_id, "labelled", caller))
        return labels

    async def of(self, subject_id: SubjectId) -> Labels:
        """A person's labels.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: they can't be told.
        """
        return await self._labels.get(subject_id)

    async def forget(self, subject_id: SubjectId, *, caller: Caller) -> None:
        """Forget a person's labels; reports don't count them from now on.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        await self._labels.delete(subject_id, self._event(subject_id, "forgotten", caller))

    def _event(self, subject_id: SubjectId, outcome: str, caller: Caller) -> AuditEvent:
        return AuditEvent("label", caller.actor, subject_id, outcome, "requested", self._clock.now(), {})
