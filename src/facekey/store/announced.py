"""Enrolled people whose every change wakes the replicas."""

from facekey.core.audit import AuditEvent
from facekey.core.ports.audit import Receipt
from facekey.core.ports.shared import Change, Changes
from facekey.core.ports.subjects import NOTHING, Beside, Templates
from facekey.core.types import SubjectId, Template


class AnnouncedTemplates:
    """Implements `core.ports.subjects.Templates` on top of another, and announces what was committed."""

    def __init__(self, templates: Templates, changes: Changes) -> None:
        """Take the store, and whom to tell."""
        self._templates = templates
        self._changes = changes

    async def add(
        self, template: Template, event: AuditEvent, *, searched: int, beside: Beside = NOTHING
    ) -> Receipt:
        """Store a new person, then wake the replicas."""
        receipt = await self._templates.add(template, event, searched=searched, beside=beside)
        self._changes.announce(Change.GALLERY)
        return receipt

    async def get(self, subject_id: SubjectId) -> Template | None:
        """The person's template."""
        return await self._templates.get(subject_id)

    async def erase(self, subject_id: SubjectId, event: AuditEvent) -> Receipt:
        """Destroy the person's key and rows, then wake the replicas."""
        receipt = await self._templates.erase(subject_id, event)
        self._changes.announce(Change.GALLERY)
        return receipt
