"""What is kept of a picture: small, grey, and of the photo nothing but its pixels."""

import cv2
import numpy as np
import pytest

from facekey.core.errors import ImageRefused
from facekey.core.types import Detection
from facekey.vision.headers import DecodeLimits
from facekey.vision.liveness.depth import MeshDepth
from facekey.vision.liveness.spoof_picture import DEPTH_PX, PHOTO_PX, SpoofPictures
from tests.unit.vision.faces import FixedDetector, FixedLandmarker
from tests.unit.vision.test_pipeline import FACE, portrait
from tests.unit.vision.test_quality import mesh_of


def pictures(*faces: Detection, photos: bool) -> SpoofPictures:
    return SpoofPictures(
        detector=FixedDetector(lambda _: list(faces)),
        landmarker=FixedLandmarker(mesh_of(at=(137, 130))),
        depth=MeshDepth(),
        limits=DecodeLimits(),
        photos=photos,
    )


def read(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return pixels.astype(np.uint8, copy=False)


def test_the_depth_is_small_and_grey_and_near_is_bright() -> None:
    drawn = pictures(FACE, photos=False).draw(portrait())
    assert drawn.photo is None
    assert drawn.depth is not None
    seen = read(drawn.depth)
    assert seen.shape == (DEPTH_PX, DEPTH_PX)
    assert seen.max() > 200
    assert seen[0, 0] == 0, "what is not known is black"
    assert drawn.depth == pictures(FACE, photos=False).draw(portrait()).depth


def test_a_photo_is_kept_without_what_a_camera_wrote() -> None:
    drawn = pictures(photos=True).draw(portrait())
    assert drawn.depth is None, "there is no face"
    assert drawn.photo is not None
    assert drawn.photo.startswith(b"\xff\xd8")
    assert b"Exif" not in drawn.photo
    small, large = read(drawn.photo), read(portrait())
    assert max(small.shape) <= PHOTO_PX
    if max(large.shape) <= PHOTO_PX:
        assert small.shape == large.shape


def test_what_is_large_is_made_smaller() -> None:
    done, data = cv2.imencode(".jpg", np.zeros((1500, 2000, 3), np.uint8))
    assert done
    drawn = pictures(photos=True).draw(data.tobytes())
    assert drawn.photo is not None
    assert read(drawn.photo).shape == (768, 1024, 3)


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ImageRefused):
        pictures(FACE, photos=True).draw(b"no picture")
