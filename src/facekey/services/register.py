"""Register: a few photos of one person become a template."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller
from facekey.core.consent import APART, ConsentGiven, ConsentRule
from facekey.core.enrolment import Sample, judge_together, references_of, usable
from facekey.core.errors import (
    FaceAlreadyEnrolled,
    GalleryMoved,
    RegistrationRefused,
    RequestInvalid,
    SampleRejected,
    SubjectExists,
)
from facekey.core.matching import Matcher
from facekey.core.policy import IdentifyPolicy, RegisterPolicy
from facekey.core.ports.audit import AuditLog, Receipt
from facekey.core.ports.clocks import Clock
from facekey.core.ports.gallery import Gallery
from facekey.core.ports.measures import UNMEASURED, Decided, Meter
from facekey.core.ports.subjects import Beside, Directory, Templates
from facekey.core.ports.vision import Analyzer
from facekey.core.types import SubjectId, Template
from facekey.services.timed import RECORD, SEARCH, timed

ACTION, ENROLLED, REFUSED = "register", "enrolled", "refused"

SEARCHES = 10
"""So often another registration may come in between before this one is put off."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A person who is now enrolled.

    Attributes:
        samples: one for each photo, in the order they came.
        receipt: where the audit log has it.
    """

    subject_id: SubjectId
    samples: tuple[Sample, ...]
    receipt: Receipt


class Register:
    """Five to ten photos, one new person."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        templates: Templates,
        directory: Directory,
        gallery: Gallery,
        matcher: Matcher,
        policy: RegisterPolicy,
        enrolled_policy: IdentifyPolicy,
        audit: AuditLog,
        clock: Clock,
        consent: ConsentRule = ConsentRule.OPTIONAL,
        keep_photos: bool = False,
        meter: Meter = UNMEASURED,
    ) -> None:
        """Take what the registration needs; `enrolled_policy` says when a face has another id already."""
        self._analyzer = analyzer
        self._templates = templates
        self._directory = directory
        self._gallery = gallery
        self._matcher = matcher
        self._policy = policy
        self._enrolled_policy = enrolled_policy
        self._audit = audit
        self._clock = clock
        self._consent = consent
        self._keep_photos = keep_photos
        self._meter = meter

    async def __call__(
        self,
        subject_id: SubjectId,
        images: Sequence[bytes],
        *,
        caller: Caller,
        consent: ConsentGiven | None = None,
    ) -> Registration:
        """Judge the photos, store the template and its audit record together, then answer.

        (1) check the count, the consent and that the id is free, (2) judge each photo by itself,
        (3) judge them together, (4) refuse a face that is enrolled under another id,
        (5) store template and audit record in one transaction.

        Raises:
            RequestInvalid: too few or too many photos; no consent that holds where one is required.
            ImageRefused: one of them can't be read.
            SubjectExists: the id is taken.
            RegistrationRefused: the photos don't make an enrolment; the refusal is on record.
            Unavailable: nothing was stored.
        """
        # (1) The id is checked again by the database at the end; here it saves the work.
        self._check_count(len(images))
        self._check_consent(consent)
        if await self._directory.find(subject_id) is not None:
            raise SubjectExists(subject_id)

        # (2) One after the other: a registration must not crowd out those who sign in.
        samples = [await self._judge_alone(image) for image in images]
        try:
            # (3)
            samples = judge_together(samples, self._matcher, self._policy)
            # (4) and (5)
            accepted = [image for image, one in zip(images, samples, strict=True) if one.fault is None]
            beside = Beside(consent, tuple(accepted) if self._keep_photos else ())
            receipt = await self._store(subject_id, samples, beside, caller)
        except RegistrationRefused as refusal:
            await self._record_refusal(subject_id, refusal, len(images), caller)
            self._meter.decided(Decided(ACTION, REFUSED, refusal.code))
            raise
        self._meter.decided(Decided(ACTION, ENROLLED, ENROLLED))
        return Registration(subject_id, tuple(samples), receipt)

    async def _store(
        self, subject_id: SubjectId, samples: Sequence[Sample], beside: Beside, caller: Caller
    ) -> Receipt:
        """Search and store, again when another registration came in between.

        Two registrations of one face under two ids at the same moment would each find
        the gallery without it.
        """
        for _ in range(SEARCHES - 1):
            with suppress(GalleryMoved):
                return await self._search_and_store(subject_id, samples, beside, caller)
        return await self._search_and_store(subject_id, samples, beside, caller)

    async def _search_and_store(
        self, subject_id: SubjectId, samples: Sequence[Sample], beside: Beside, caller: Caller
    ) -> Receipt:
        # (4)
        searched = await self._refuse_enrolled_face(samples)
        # (5) A new person is wholly there or wholly not.
        accepted = usable(samples)
        event = AuditEvent(
            ACTION,
            caller.actor,
            subject_id,
            ENROLLED,
            ENROLLED,
            self._clock.now(),
            {"samples": len(samples), "accepted": len(accepted), **_on_record(beside)},
        )
        template = Template(subject_id, references_of(accepted))
        with timed(self._meter, RECORD):
            return await self._templates.add(template, event, searched=searched, beside=beside)

    def _check_count(self, count: int) -> None:
        policy = self._policy
        if not policy.min_images <= count <= policy.max_images:
            raise RequestInvalid(
                "image_count_invalid",
                f"a registration takes {policy.min_images} to {policy.max_images} photos; "
                f"this one has {count}",
            )

    def _check_consent(self, consent: ConsentGiven | None) -> None:
        if consent is not None:
            consent.require_sound(self._clock.now())
        to_recognition = consent is not None and consent.purpose not in APART
        if self._consent is ConsentRule.REQUIRED and not to_recognition:
            raise RequestInvalid(
                "consent_missing",
                "nobody is registered here without consent: send consent_purpose and consent_text_version",
            )

    async def _judge_alone(self, image: bytes) -> Sample:
        try:
            evidence = await self._analyzer.analyze(image)
        except SampleRejected as rejection:
            return Sample(rejection.reason, None, rejection.quality)
        return Sample(self._policy.objection(evidence), evidence, evidence.quality)

    async def _refuse_enrolled_face(self, samples: Sequence[Sample]) -> int:
        """Search with the mean face: one odd photo must not accuse anybody. Gives what was searched."""
        probe = [references.centroid() for references in references_of(usable(samples))]
        with timed(self._meter, SEARCH):
            search = await self._gallery.search(probe, top_k=1)
        threshold = self._enrolled_policy.threshold(search.gallery_size)
        if search.candidates and search.candidates[0].match.evidence >= threshold:
            raise FaceAlreadyEnrolled(
                "face_already_enrolled",
                "this face is registered under another user id; one person has one id",
                [sample.verdict() for sample in samples],
            )
        return search.as_of

    async def _record_refusal(
        self, subject_id: SubjectId, refusal: RegistrationRefused, images: int, caller: Caller
    ) -> None:
        await self._audit.append(
            AuditEvent(
                ACTION,
                caller.actor,
                subject_id,
                REFUSED,
                refusal.code,
                self._clock.now(),
                {"samples": images},
            )
        )


def _on_record(beside: Beside) -> dict[str, AuditValue]:
    """What else was stored, where anything was."""
    said: dict[str, AuditValue] = {}
    if beside.consent is not None:
        said |= {"purpose": beside.consent.purpose, "text_version": beside.consent.text_version}
    if beside.photos:
        said["photos_kept"] = len(beside.photos)
    return said
