from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from facekey.core.errors import ImageRefused, ModelOutputInvalid, SampleRejected
from facekey.core.types import Crop, Detection, Embedding, FaceMesh, Floats, ModelId, Reason, Region
from facekey.vision.pipeline import Pipeline, StageObserver
from facekey.vision.quality.gate import QualityPolicy
from facekey.vision.spare_cores import SpareCores
from facekey.vision.subject import SubjectPolicy, choose_subject
from tests.unit.vision.crafted import encode
from tests.unit.vision.faces import (
    FixedDetector,
    FixedLandmarker,
    FixedLiveness,
    MeanEmbedder,
    detection_at,
)
from tests.unit.vision.test_quality import drawn_face, mesh_of

FACE = detection_at(100, 80, 75)


def portrait(light: float = 1.0) -> bytes:
    """A PNG with a drawn face where `FACE` is."""
    picture = np.full((300, 300, 3), 140, np.uint8)
    picture[68:180, 81:193] = drawn_face(light=light).pixels
    return encode(".png", picture)


class Made:
    """A pipeline over stand-ins, and the stand-ins to look at afterwards."""

    def __init__(
        self,
        *,
        faces: Sequence[Detection] = (FACE,),
        mesh: FaceMesh | None = None,
        live: Sequence[float] = (0.9,),
        observe: StageObserver | None = None,
        quality: QualityPolicy | None = None,
        cores: SpareCores | None = None,
    ) -> None:
        self.embedders = [
            MeanEmbedder(112, "a:0"),
            MeanEmbedder(160, "b:0"),
            MeanEmbedder(112, "c:0", "chip"),
        ]
        self.liveness = [FixedLiveness(score, f"live:{index}") for index, score in enumerate(live)]
        self.pipeline = Pipeline(
            detector=FixedDetector(lambda _: list(faces)),
            landmarker=FixedLandmarker(mesh or mesh_of(at=(137, 130))),
            embedders=self.embedders,
            liveness=self.liveness,
            quality=quality,
            observe=observe,
            cores=cores,
        )

    @property
    def costly_calls(self) -> int:
        return sum(made.calls for made in self.embedders) + sum(made.calls for made in self.liveness)


def test_evidence_holds_what_every_stage_said() -> None:
    made = Made(live=(0.9, 0.6))
    evidence = made.pipeline.analyze(portrait())
    assert [embedding.model for embedding in evidence.embeddings] == ["a:0", "b:0", "c:0"]
    assert evidence.detection is FACE
    assert evidence.quality.reasons == ()
    assert evidence.liveness.parts == {"live:0": 0.9, "live:1": 0.6}
    assert 0.6 < evidence.liveness.score < 0.9
    assert made.costly_calls == 5


def test_one_liveness_network_is_taken_as_it_is() -> None:
    assert Made(live=(0.73,)).pipeline.analyze(portrait()).liveness.score == pytest.approx(0.73)
    assert Made(live=(1.0, 0.0)).pipeline.analyze(portrait()).liveness.score == pytest.approx(0.5)


def test_the_thumbprint_survives_another_encoding_and_light() -> None:
    def thumbprint(data: bytes) -> Floats:
        return Made().pipeline.analyze(data).thumbprint

    image = cv2.imdecode(np.frombuffer(portrait(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    first = thumbprint(portrait())
    assert first.shape == (16, 16)
    assert first.dtype == np.float32
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert first.mean() == pytest.approx(0, abs=1e-6)
    again = thumbprint(bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]))
    assert float((first * again).sum()) > 0.99
    dimmed = thumbprint(bytes(cv2.imencode(".png", (image * 0.7).astype(np.uint8))[1]))
    assert float((first * dimmed).sum()) > 0.99


def test_bad_captures_are_refused_before_the_costly_networks() -> None:
    for made, data, reason in (
        (Made(faces=()), portrait(), Reason.NO_FACE),
        (Made(faces=(FACE, FACE)), portrait(), Reason.MULTIPLE_FACES),
        (Made(), portrait(light=0.2), Reason.TOO_DARK),
        (Made(mesh=mesh_of(60, at=(137, 130))), portrait(), Reason.TURNED_AWAY),
    ):
        with pytest.raises(SampleRejected) as caught:
            made.pipeline.analyze(data)
        assert caught.value.reason is reason
        assert made.costly_calls == 0


def test_with_spare_cores_the_evidence_is_the_same() -> None:
    alone = Made(live=(0.9, 0.6)).pipeline.analyze(portrait())
    shared = Made(live=(0.9, 0.6), cores=SpareCores(3)).pipeline.analyze(portrait())
    assert (shared.quality, shared.liveness) == (alone.quality, alone.liveness)
    assert [one.model for one in shared.embeddings] == [one.model for one in alone.embeddings]
    for ours, theirs in zip(shared.embeddings, alone.embeddings, strict=True):
        assert np.array_equal(ours.vector, theirs.vector)
    assert np.array_equal(shared.thumbprint, alone.thumbprint)


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_a_refused_face_is_refused_for_what_it_lacks_whatever_the_networks_say(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    def fails(_: MeanEmbedder, __: Sequence[Crop]) -> list[Embedding]:
        raise ModelOutputInvalid(ModelId("a:0"), "broken")

    monkeypatch.setattr(MeanEmbedder, "embed", fails)
    with pytest.raises(SampleRejected, match="too_dark"):
        Made(cores=SpareCores(cores)).pipeline.analyze(portrait(light=0.2))
    with pytest.raises(ModelOutputInvalid, match="broken"):
        Made(cores=SpareCores(cores)).pipeline.analyze(portrait())


def test_a_refusal_tells_what_was_measured() -> None:
    with pytest.raises(SampleRejected) as caught:
        Made().pipeline.analyze(portrait(light=0.2))
    assert caught.value.quality is not None
    assert caught.value.quality.face_px == 75
    assert caught.value.face == Region(100 / 300, 80 / 300, 175 / 300, 180 / 300)
    with pytest.raises(SampleRejected) as without_face:
        Made(faces=()).pipeline.analyze(portrait())
    assert (without_face.value.quality, without_face.value.face) == (None, None)


def test_assessing_runs_none_of_the_costly_networks() -> None:
    seen: list[str] = []
    made = Made(observe=lambda stage, _: seen.append(stage))
    assessed = made.pipeline.assess(portrait())
    assert assessed.quality == made.pipeline.analyze(portrait()).quality
    assert assessed.face == Region(100 / 300, 80 / 300, 175 / 300, 180 / 300)
    assert seen[:5] == ["decode", "detect", "align", "mesh", "quality"]
    assert seen[5] == "decode", "then it was done"
    made = Made()
    with pytest.raises(SampleRejected, match="too_dark"):
        made.pipeline.assess(portrait(light=0.2))
    assert made.costly_calls == 0


def test_the_policy_given_is_the_one_in_force() -> None:
    with pytest.raises(SampleRejected, match="face_too_small"):
        Made(quality=QualityPolicy(min_face_px=500)).pipeline.analyze(portrait())


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ImageRefused):
        Made().pipeline.analyze(b"text")


def test_stages_are_observed_in_order_and_also_when_they_fail() -> None:
    seen: list[str] = []

    def observe(stage: str, seconds: float) -> None:
        assert seconds >= 0
        seen.append(stage)

    Made(observe=observe).pipeline.analyze(portrait())
    assert seen == ["decode", "detect", "align", "mesh", "quality", "liveness", "embed", "fingerprint"]
    seen.clear()
    with pytest.raises(ImageRefused):
        Made(observe=observe).pipeline.analyze(b"text")
    assert seen == ["decode"]


def test_no_checks_is_not_a_pass() -> None:
    parts = {"detector": FixedDetector(lambda _: []), "landmarker": FixedLandmarker(mesh_of())}
    with pytest.raises(ValueError, match="at least one"):
        Pipeline(**parts, embedders=[MeanEmbedder(112)], liveness=[])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one"):
        Pipeline(**parts, embedders=[], liveness=[FixedLiveness(1.0)])  # type: ignore[arg-type]


def test_the_subject_clearly_stands_out() -> None:
    size = (400, 400)
    near, far = detection_at(150, 150, 100), detection_at(20, 150, 90)
    assert choose_subject([far, near], size, SubjectPolicy()) is near
    # As far from the middle on the other side, and a little larger: nobody is clearly meant.
    with pytest.raises(SampleRejected, match="multiple_faces"):
        choose_subject([far, detection_at(290, 150, 95)], size, SubjectPolicy())
    with pytest.raises(SampleRejected, match="multiple_faces"):
        choose_subject([near, detection_at(110, 150, 100)], size, SubjectPolicy())
    doubtful = detection_at(155, 150, 100, score=0.6)
    assert choose_subject([doubtful, near], size, SubjectPolicy()) is near
    assert choose_subject([doubtful], size, SubjectPolicy()) is doubtful
    # Told to take the most prominent face, it always does.
    assert choose_subject([detection_at(110, 150, 90), near], size, SubjectPolicy(dominance=1.0)) is near
