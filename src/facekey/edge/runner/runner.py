"""Runner: enrol and authenticate on a small board, decided as the service decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facekey.core.calibration import evidence_of_fmr
from facekey.core.enrolment import Sample, judge_together, references_of, usable
from facekey.core.errors import RequestInvalid, SampleRejected
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy, RegisterPolicy
from facekey.core.types import Decision
from facekey.edge.runner.manifest import Manifest, read_manifest
from facekey.edge.runner.networks import Networks, calibrations, open_networks
from facekey.edge.runner.template import read_template, write_template
from facekey.vision.pipeline import Pipeline, StageObserver

SAME_PERSON_FMR = 1e-3  # as in the service: a photo must match the others this well
TWO_PEOPLE_FMR = 1e-2
MIN_IMAGES, MAX_IMAGES = 3, 10  # a board's owner can take three photos; the service asks for five


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new template.

    Attributes:
        template: for `Runner.authenticate`; biometric data, not encrypted.
        samples: one verdict for each photo, in order.
    """

    template: bytes = field(repr=False)
    samples: tuple[Mapping[str, object], ...]


class Runner:
    """One bundle, loaded. Safe to share between threads."""

    def __init__(
        self, networks: Networks, manifest: Manifest, *, observe: StageObserver | None = None
    ) -> None:
        """Take networks that `open_networks` has checked; `Runner.load` does both."""
        self._manifest = manifest
        self._provider = networks.provider
        self._model = networks.embedder.model_id
        self._calibration = networks.calibration
        self._matcher = Matcher(calibrations(networks))
        threshold = manifest.liveness.threshold
        self._register = RegisterPolicy(
            same_person_threshold=evidence_of_fmr(SAME_PERSON_FMR),
            two_people_threshold=evidence_of_fmr(TWO_PEOPLE_FMR),
            liveness_threshold=threshold,
            min_images=MIN_IMAGES,
            max_images=MAX_IMAGES,
        )
        self._authenticate = AuthenticatePolicy(evidence_of_fmr(manifest.match_fmr), threshold, networks.head)
        self._pipeline = Pipeline(
            detector=networks.detector,
            landmarker=networks.landmarker,
            embedders=[networks.embedder],
            liveness=networks.liveness,
            observe=observe,
        )

    @classmethod
    def load(cls, folder: Path, *, threads: int = 4, observe: StageObserver | None = None) -> "Runner":
        """Check and load a bundle.

        Args:
            folder: the one with `manifest.json`.
            threads: for one network, at most.
            observe: told the duration of every stage.

        Raises:
            ModelError: a file is missing, was changed, or is not what it should be.
        """
        manifest = read_manifest(folder)
        return cls(open_networks(folder, manifest, threads=threads), manifest, observe=observe)

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself."""
        return self._manifest

    @property
    def provider(self) -> str:
        """ONNX Runtime's name of what computes."""
        return self._provider

    @property
    def pipeline(self) -> Pipeline:
        """The stages by themselves, for measuring."""
        return self._pipeline

    def matches(self, cosine: float) -> bool:
        """Whether two photos as alike as this are taken for one person."""
        return self._calibration.evidence(cosine) >= evidence_of_fmr(self._manifest.match_fmr)

    def enrol(self, images: Sequence[bytes]) -> Enrolled:
        """Make a template of three to ten photos of one person.

        Args:
            images: JPEG, PNG, WebP or BMP files.

        Raises:
            RequestInvalid: too few or too many.
            ImageRefused: one of them can't be read.
            RegistrationRefused: two people, or too few photos that can be used; says which and why.
        """
        if not MIN_IMAGES <= len(images) <= MAX_IMAGES:
            raise RequestInvalid(
                "image_count", f"an enrolment takes {MIN_IMAGES} to {MAX_IMAGES} photos, not {len(images)}"
            )
        samples = judge_together(
            [self._judge_alone(image) for image in images], self._matcher, self._register
        )
        (references,) = references_of(usable(samples))
        return Enrolled(write_template(references), tuple(sample.verdict() for sample in samples))

    def authenticate(self, image: bytes, template: bytes) -> Decision:
        """Decide whether one picture shows the person of the template, live.

        In the service's order: (1) read the template, (2) decode, detect, choose the subject, lay the
        mesh, judge the quality, liveness, embed, (3) compare, (4) quality, liveness and match
        decide; the first objection is the answer.

        Raises:
            RequestInvalid: the template is none.
            ModelMismatch: another network made the template.
            ImageRefused: the bytes are no picture that can be read.
            ModelOutputInvalid: a network gave NaN or the like. Nothing was decided.
        """
        # (1)
        reference = read_template(template, model=self._model)
        # (2)
        try:
            evidence = self._pipeline.analyze(image)
        except SampleRejected as rejection:
            return self._authenticate.unjudged(rejection.reason, rejection.quality)
        # (3) and (4)
        return self._authenticate.decide(self._matcher.compare(evidence.embeddings, reference), evidence)

    def _judge_alone(self, image: bytes) -> Sample:
        try:
            evidence = self._pipeline.analyze(image)
        except SampleRejected as rejection:
            return Sample(rejection.reason, None, rejection.quality)
        return Sample(self._register.objection(evidence), evidence, evidence.quality)
