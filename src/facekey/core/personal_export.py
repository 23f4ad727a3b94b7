"""What somebody is told when they ask what is kept of them: one JSON object, in plain words."""

import base64
import json

from facekey.core.consent import Consent
from facekey.core.ports.privacy import PersonalData
from facekey.core.types import References

ExportValue = str | int | float | bool | None | list["ExportValue"] | dict[str, "ExportValue"]


def export_of(data: PersonalData, *, vectors: bool, photos: bool = True) -> dict[str, ExportValue]:
    """Everything that is kept of one person.

    Args:
        data: what it is.
        vectors: also the numbers that their face became. Left out unless asked for: who gets
            hold of them can do more harm with them than the person can make use of them.
        photos: the photos that were kept, too; otherwise only how many bytes each has.
    """
    subject, template = data.subject, data.template
    return {
        "user_id": subject.subject_id,
        "enrolled_at": subject.enrolled_at.isoformat(),
        "last_seen_on": None if data.last_seen_on is None else data.last_seen_on.isoformat(),
        "photos_used": subject.samples,
        "pseudonym": data.pseudonym,
        "consents": [_consent(consent) for consent in data.consents],
        "template": {
            "version": data.template_version,
            "models": [
                {
                    **_kept(one, vectors=vectors),
                    "learned_vectors": 0 if one.adapted is None else len(one.adapted),
                }
                for one in template.references
            ],
        },
        "voice": None
        if data.voice is None
        else {
            "enrolled_at": data.voice.enrolled_at.isoformat(),
            **_kept(data.voice.references, vectors=vectors),
        },
        "adaptation": {
            "updated_at": None if data.adapted_at is None else data.adapted_at.isoformat(),
            "earlier_versions": list(data.earlier_versions),
        },
        "failed_attempts": None
        if data.failures is None
        else {
            "count": data.failures.count,
            "last_at": data.failures.last_at.isoformat(),
            "locked": data.failures.locked_at is not None,
        },
        "declared_groups": dict(data.labels),
        "images": [
            {"bytes": len(image), "base64": base64.b64encode(image).decode() if photos else None}
            for image in data.images
        ],
        "suspected_spoofs": [
            {"audit_sequence": one.sequence, "taken_at": one.at.isoformat(), "photo": one.photo}
            for one in data.spoofs
        ],
        "audit_records": [
            {"sequence": record.sequence, **json.loads(record.body)} for record in data.records
        ],
    }


def _kept(references: References, *, vectors: bool) -> dict[str, ExportValue]:
    return {
        "model": references.model,
        "vectors": len(references.vectors),
        "dimensions": int(references.vectors.shape[1]),
        **({"values": references.current().vectors.tolist()} if vectors else {}),
    }


def _consent(consent: Consent) -> dict[str, ExportValue]:
    given = consent.given
    return {
        "purpose": given.purpose,
        "text_version": given.text_version,
        "given_at": consent.given_at.isoformat(),
        "expires_at": None if given.expires_at is None else given.expires_at.isoformat(),
        "withdrawn_at": None if consent.withdrawn_at is None else consent.withdrawn_at.isoformat(),
    }
