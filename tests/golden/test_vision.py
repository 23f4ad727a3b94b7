"""The default networks on public photos: what vision as a whole promises."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from facekey.core.types import Floats, Frame
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.detect.hybrid import HybridDetector
from facekey.vision.detect.mtcnn import Mtcnn
from facekey.vision.detect.retinaface import RetinaFace, RetinaFaceOptions
from facekey.vision.embed.dlib_resnet29 import dlib_embedder
from facekey.vision.embed.embedder import CropEmbedder
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.quality.gate import QualityPolicy, assess
from facekey.zoo.zoo import Zoo

PHOTOS = (
    "obama.jpg",
    "obama2.jpg",
    "obama3.jpg",
    "obama_partial_face.jpg",
    "obama_partial_face2.jpg",
    "biden.jpg",
)
WHOLE = PHOTOS[:3] + PHOTOS[5:]


@pytest.fixture(scope="module")
def retinaface(zoo: Zoo) -> RetinaFace:
    return RetinaFace(zoo.open("retinaface"))


@pytest.fixture(scope="module")
def mtcnn(zoo: Zoo) -> Mtcnn:
    return Mtcnn(pnet=zoo.open("mtcnn_pnet"), rnet=zoo.open("mtcnn_rnet"), onet=zoo.open("mtcnn_onet"))


@pytest.fixture(scope="module")
def embedder(zoo: Zoo) -> CropEmbedder:
    return mobilefacenet_embedder(zoo.open("mobilefacenet"))


@pytest.fixture(scope="module")
def frames(samples: dict[str, Path]) -> dict[str, Frame]:
    return {name: decode(samples[name].read_bytes()) for name in PHOTOS}


@pytest.mark.parametrize(("small_side_px", "off_px"), [(640, 2), (320, 7)], ids=["usual look", "small look"])
def test_retinaface_puts_the_points_where_they_are(
    zoo: Zoo, frames: dict[str, Frame], small_side_px: int, off_px: int
) -> None:
    """The eyes are 112 px apart; looked at small, a pixel of the look is 2.5 of the picture."""
    options = RetinaFaceOptions(small_side_px=small_side_px)
    (face,) = RetinaFace(zoo.open("retinaface"), options).detect(frames["obama.jpg"])
    expected = [[440, 210], [552, 214], [499, 273], [438, 312], [554, 316]]
    np.testing.assert_allclose(face.landmarks, expected, atol=off_px)
    assert face.score > 0.99


@pytest.mark.parametrize("name", WHOLE)
def test_two_detectors_agree(
    retinaface: RetinaFace, mtcnn: Mtcnn, frames: dict[str, Frame], name: str
) -> None:
    (first,) = retinaface.detect(frames[name])
    (second,) = mtcnn.detect(frames[name])
    apart = np.linalg.norm(first.landmarks - second.landmarks, axis=1).mean()
    assert apart < 0.05 * first.box.width


@pytest.mark.parametrize("name", PHOTOS)
def test_the_mesh_lies_on_the_face_and_the_photo_is_good_enough(
    zoo: Zoo, retinaface: RetinaFace, frames: dict[str, Frame], name: str
) -> None:
    frame = frames[name]
    face = retinaface.detect(frame)[0]
    mesh = FaceMeshLandmarker(zoo.open("facemesh")).mesh(frame, face)
    assert mesh.presence > 0.99
    if name in WHOLE:
        eyes = (mesh.points[[33, 362], :2] + mesh.points[[133, 263], :2]) / 2
        seen: Floats = np.concatenate((eyes, mesh.points[[1, 61, 291], :2])).astype(np.float32)
        assert np.linalg.norm(seen - face.landmarks, axis=1).mean() < 0.05 * face.box.width
        assert mesh.points[4, 2] < mesh.points[[234, 454], 2].min()  # the nose is nearest
    crop = identity_crop(frame, face, crop_px=112)
    quality = assess(frame, face, mesh, crop, QualityPolicy())
    assert quality.reasons == ()
    assert quality.overall > 0.7
    assert abs(quality.yaw_deg) < 25


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_photos_give_the_same_face(
    retinaface: RetinaFace,
    mtcnn: Mtcnn,
    embedder: CropEmbedder,
    frames: dict[str, Frame],
    turns: int,
) -> None:
    detector = HybridDetector(retinaface, mtcnn)
    for name in WHOLE:
        upright = frames[name]
        turned = Frame(np.ascontiguousarray(np.rot90(upright.pixels, turns)))
        crops = [identity_crop(frame, detector.detect(frame)[0], crop_px=112) for frame in (upright, turned)]
        first, second = embedder.embed(crops)
        assert float(first.vector @ second.vector) > 0.95


def test_one_person_is_like_himself_and_not_like_another(
    retinaface: RetinaFace, embedder: CropEmbedder, frames: dict[str, Frame]
) -> None:
    vectors = {
        name: embedder.embed([identity_crop(frame, retinaface.detect(frame)[0], crop_px=112)])[0].vector
        for name, frame in frames.items()
    }
    other = vectors.pop("biden.jpg")
    whole = [vectors[name] for name in WHOLE[:3]]
    assert min(float(a @ b) for a, b in combinations(whole, 2)) > 0.5
    assert max(float(other @ vector) for vector in vectors.values()) < 0.35


DLIB_SAME = 0.6  # the distance that the network was trained to separate at, by its author


def test_dlib_keeps_one_person_closer_than_its_line(
    retinaface: RetinaFace, frames: dict[str, Frame], tmp_path: Path
) -> None:
    # In a cache of its own: in the user's it would take part in every decision from then on.
    zoo = Zoo(cache_dir=tmp_path)
    (found,) = zoo.pull(["dlib_resnet29"])
    if not found.installed:
        pytest.skip(f"dlib_resnet29: {found.reason}")
    session = zoo.open("dlib_resnet29")
    network = dlib_embedder(session)
    vectors = {}
    for name, frame in frames.items():
        face = retinaface.detect(frame)[0]
        crop = identity_crop(frame, face, crop_px=network.crop_px, layout=network.layout)
        (vectors[name],) = session.run(crop.pixels[np.newaxis])[0]
    other = vectors.pop("biden.jpg")
    whole = [vectors[name] for name in WHOLE[:3]]
    assert max(float(np.linalg.norm(a - b)) for a, b in combinations(whole, 2)) < DLIB_SAME
    assert min(float(np.linalg.norm(other - vector)) for vector in vectors.values()) > DLIB_SAME
