from pathlib import Path

import cv2
import numpy as np
import pytest

from facekey.core.errors import RequestInvalid
from facekey.core.types import Pixels
from facekey.evaluation.acquire import UNREADABLE, Capture
from facekey.evaluation.cache import Forgetful, open_cache
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import (
    Picture,
    acquire_all,
    by_person,
    pictures_in,
    pictures_of,
)
from facekey.evaluation.pairs import read_pairs
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.wiring.vision import open_vision
from facekey.zoo.zoo import Zoo
from tests.photos import Photos


def encoded(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()


def test_what_is_judged_is_what_the_product_sees(judge: Engine, zoo: Zoo, photos: Photos) -> None:
    one = judge.faces.acquire(photos.obama)
    evidence = open_vision(zoo).pipeline.analyze(photos.obama)
    assert one.judged
    assert one.liveness == pytest.approx(evidence.liveness.score)
    for embedding in evidence.embeddings:
        np.testing.assert_allclose(one.vectors[embedding.model], embedding.vector, atol=1e-5)


def test_what_the_gate_sends_back_is_recognised_all_the_same(judge: Engine, photos: Photos) -> None:
    frame = decode(photos.obama, DecodeLimits())
    dark = judge.faces.acquire(encoded((frame.pixels * 0.2).astype(np.uint8)))
    assert dark.sent_back in {"too_dark", "low_contrast"}
    assert dark.found
    assert not dark.judged
    assert dark.liveness is None
    light = judge.faces.acquire(photos.obama2)
    assert all(float(dark.vectors[model] @ light.vectors[model]) > 0.5 for model in dark.vectors)


def test_of_several_faces_the_most_prominent_is_taken(judge: Engine, photos: Photos) -> None:
    frame = decode(photos.obama, DecodeLimits())
    both = judge.faces.acquire(encoded(np.hstack([frame.pixels, frame.pixels])))
    assert both.crowded
    assert both.found


@pytest.mark.parametrize(
    ("image", "reason"),
    [(encoded(np.full((200, 200, 3), 90, np.uint8)), "no_face"), (b"no picture", UNREADABLE)],
    ids=["no face", "no picture"],
)
def test_pictures_without_a_face_are_counted(judge: Engine, image: bytes, reason: str) -> None:
    assert judge.faces.acquire(image) == Capture({}, reason)


def test_aligned_crops_are_embedded_as_they_are(judge: Engine, photos: Photos) -> None:
    frame = decode(photos.obama, DecodeLimits())
    (face,) = judge.find(frame)
    crop = encoded(identity_crop(frame, face, crop_px=112).pixels)
    aligned, whole = judge.aligned.acquire(crop), judge.faces.acquire(photos.obama)
    assert aligned.judged
    assert aligned.liveness is None
    assert all(float(aligned.vectors[model] @ whole.vectors[model]) > 0.99 for model in whole.vectors)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (encoded(np.zeros((112, 96, 3), np.uint8)), "one is 96 by 112"),
        (b"no picture", "can't be read"),
    ],
    ids=["other size", "no picture"],
)
def test_a_crop_that_is_none_is_refused(judge: Engine, image: bytes, said: str) -> None:
    with pytest.raises(RequestInvalid, match=said):
        judge.aligned.acquire(image)


def test_a_second_run_looks_at_nothing(judge: Engine, people: Path, tmp_path: Path) -> None:
    class Counts:
        state = judge.faces.state
        looked = 0

        def acquire(self, image: bytes) -> Capture:
            self.looked += 1
            return judge.faces.acquire(image)

    counts, seen = Counts(), []
    for _ in range(2):
        with open_cache(tmp_path / "kept") as cache:
            got = acquire_all(
                pictures_in(people, "*/*"), counts, cache, lambda done, total: seen.append((done, total))
            )
    assert counts.looked == 4
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)] * 2
    assert {person: len(names) for person, names in by_person(got.judged).items()} == {
        "Barack_Obama": 3,
        "Joe_Biden": 1,
    }


def test_the_manifest_tells_pictures_apart(judge: Engine, photos: Photos) -> None:
    made = [
        acquire_all([Picture(name, None, image)], judge.faces, Forgetful()).manifest_sha256
        for name, image in (
            ("a", photos.obama),
            ("a", photos.biden),
            ("b", photos.obama),
            ("a", photos.obama),
        )
    ]
    assert len(set(made)) == 3
    assert made[0] == made[3]


def test_no_picture_and_no_face_are_told(judge: Engine, tmp_path: Path) -> None:
    with pytest.raises(RequestInvalid, match="no pictures"):
        acquire_all([], judge.faces, Forgetful())
    with pytest.raises(RequestInvalid, match="none of the 1 pictures"):
        acquire_all([Picture("a", None, b"nothing")], judge.faces, Forgetful())
    with pytest.raises(RequestInvalid, match="no pictures"):
        pictures_in(tmp_path)
    with pytest.raises(RequestInvalid, match="is no folder"):
        pictures_in(tmp_path / "none")
    with pytest.raises(RequestInvalid, match="in no folder"):
        by_person(["a.jpg"])
    with pytest.raises(RequestInvalid, match="can't be read"):
        Picture("a", tmp_path / "gone.jpg").read()


def test_missing_pictures_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("".join(f"{n}.jpg,there.jpg,{n % 2}\n" for n in range(9)))
    (tmp_path / "there.jpg").touch()
    with pytest.raises(
        RequestInvalid, match=r"9 pictures .* 0.jpg \(line 1\), 1.jpg \(line 2\).* and 4 more"
    ):
        pictures_of(read_pairs(path), tmp_path)
