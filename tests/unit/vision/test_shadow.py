import threading
from collections.abc import Sequence

import numpy as np
import pytest

from facekey.core.enrolment import references_of
from facekey.core.errors import ModelOutputInvalid, Overloaded
from facekey.core.ports.shadow import Seen
from facekey.core.types import Crop, Detection, Embedding, Frame, IdentityLayout, ModelId
from facekey.vision.pool import Workers
from facekey.vision.shadow import ShadowNetwork, ShadowPool, TolerantEmbedder, judging, recognising
from tests.photos import Photos
from tests.unit.core.made import direction, evidence
from tests.unit.training.pretended import MiddleFace

MODEL = ModelId("candidate:0")


class Recogniser:
    """Sees the mean colour of the crop."""

    model_id = MODEL
    crop_px = 64
    layout: IdentityLayout = "identity"

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        if self.fails:
            raise ModelOutputInvalid(self.model_id, "not finite")
        means = [crop.pixels.mean(axis=(0, 1)) for crop in crops]
        return [Embedding((mean / np.linalg.norm(mean)).astype(np.float32), MODEL) for mean in means]


class Judge:
    model_id = MODEL
    crop_px = 32

    def score(self, crops: Sequence[Crop]) -> list[float]:
        assert [crop.layout for crop in crops] == ["context"]
        return [0.25]


def test_it_sees_the_face_that_is_judged(photos: Photos) -> None:
    network = ShadowNetwork(recognising(Recogniser()), model_id=MODEL, detector=MiddleFace())
    seen = network.see(photos.obama)
    assert seen.embedding is not None
    assert seen.embedding.vector.shape == (3,)
    assert ShadowNetwork(judging(Judge()), model_id=MODEL, detector=MiddleFace()).see(photos.obama) == Seen(
        liveness=0.25
    )


async def test_those_that_decide_go_first(photos: Photos) -> None:
    looked, busy = threading.Event(), True

    def look(_frame: Frame, _face: Detection) -> Seen:
        looked.set()
        return Seen(liveness=1.0)

    workers = Workers(workers=1, max_waiting=1)
    network = ShadowNetwork(look, model_id=MODEL, detector=MiddleFace())
    pool = ShadowPool(network, workers, busy=lambda: busy)
    with pytest.raises(Overloaded, match="go first"):
        await pool.see(photos.obama)
    assert not looked.is_set()
    busy = False
    assert (await pool.see(photos.obama)).liveness == 1.0
    await workers.close()


def test_a_failure_costs_no_enrolment() -> None:
    working, failing = TolerantEmbedder(Recogniser()), TolerantEmbedder(Recogniser(fails=True))
    crop = Crop(np.full((64, 64, 3), 9, np.uint8), "identity", np.eye(2, 3, dtype=np.float32))
    assert (failing.model_id, failing.crop_px, failing.layout) == (MODEL, 64, "identity")
    assert len(working.embed([crop])) == 1
    assert failing.embed([crop]) == []


def test_a_network_that_missed_a_photo_gets_no_references() -> None:
    both = evidence(direction(1))
    object.__setattr__(both, "embeddings", (*both.embeddings, Embedding(direction(2), MODEL)))
    kept = references_of([both, evidence(direction(3))])
    assert [one.model for one in kept] == [both.embeddings[0].model]
    assert len(kept[0].vectors) == 2
    assert len(references_of([both, both])) == 2
