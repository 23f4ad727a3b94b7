"""Face crops: made once by the product's own detector and alignment, kept in one file a set.

What the network sees in training is what it will see in the product: `vision.decode`,
RetinaFace, `vision.align`. The crop is cut with a margin around the product's square, so
that shifting, turning and scaling it later shows the picture and not a filling. A
picture in which no face is found is dropped and counted: in the product it never
reaches the liveness network either.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import FaceKeyError
from facekey.core.ports.vision import Detector, Embedder
from facekey.core.types import Box, Detection, Floats, Frame, Pixels
from facekey.vision.align import CONTEXT_SIDE, identity_crop, upright_angle
from facekey.vision.align import context_crop as product_crop
from facekey.vision.decode import decode
from training.data.layout import Picture, SourceSet

CROP_PX = 128
MARGIN_PX = 8
STORED_PX = CROP_PX + 2 * MARGIN_PX
FORMAT = 3  # goes into the cache's name; a change of anything in this file must change it
SURE_SCORE = 0.8  # below this the other three turns of the picture are looked at too


@dataclass(frozen=True, slots=True)
class Networks:
    """The product's networks that cutting needs."""

    detector: Detector
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class CropSet:
    """The faces of one set.

    Attributes:
        name: the set.
        pixels: (N, STORED_PX, STORED_PX, 3) uint8 RGB; the product's crop is its middle.
        live: (N,) bool.
        paths: (N,) where each came from, below the set's folder.
        identity: (N, D) float32, whose face it is: unit vectors of the product's own network.
        dropped: how many pictures had no face, or could not be read.
    """

    name: str
    pixels: Pixels = field(repr=False)
    live: NDArray[np.bool_] = field(repr=False)
    paths: NDArray[np.str_] = field(repr=False)
    identity: Floats = field(repr=False)
    dropped: int

    def middle(self) -> Pixels:
        """The product's crops: (N, CROP_PX, CROP_PX, 3) uint8 RGB."""
        return self.pixels[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]

    def only(self, keep: NDArray[np.bool_]) -> "CropSet":
        """The crops that `keep`, (N,) bool, names."""
        return CropSet(
            self.name,
            self.pixels[keep],
            self.live[keep],
            self.paths[keep],
            self.identity[keep],
            self.dropped,
        )


def cut(
    source: SourceSet,
    networks: Networks,
    *,
    cache_dir: Path,
    track: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
) -> CropSet:
    """Crops of a whole set, from the cache where it has been cut before.

    Args:
        source: the pictures.
        networks: find the faces, and tell whose they are.
        cache_dir: where the crops are kept; they are faces of people, so keep it private.
        track: wraps the pictures to show progress.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    cached = cache_dir / f"{source.name}-{_fingerprint(source)}.npz"
    if cached.exists():
        with np.load(cached) as stored:
            return CropSet(
                source.name,
                stored["pixels"],
                stored["live"],
                stored["paths"],
                stored["identity"],
                int(stored["dropped"]),
            )
    pixels, live, paths, identity = [], [], [], []
    for picture in track(source.pictures):
        found = largest_face(picture.read(), networks.detector)
        if found is not None:
            frame, face = found
            pixels.append(stored_crop(frame, face))
            aligned = identity_crop(frame, face, crop_px=networks.embedder.crop_px)
            identity.append(networks.embedder.embed([aligned])[0].vector)
            live.append(picture.live)
            paths.append(source.label_of(picture))
    made = CropSet(
        source.name,
        np.array(pixels, np.uint8).reshape(-1, STORED_PX, STORED_PX, 3),
        np.array(live, bool),
        np.array(paths, np.str_),
        np.array(identity, np.float32).reshape(len(identity), -1),
        len(source.pictures) - len(pixels),
    )
    # Written aside and renamed: a run that is broken off must not leave half a cache.
    partial = cached.with_suffix(".partial.npz")
    np.savez(
        partial,
        pixels=made.pixels,
        live=made.live,
        paths=made.paths,
        identity=made.identity,
        dropped=made.dropped,
    )
    partial.replace(cached)
    return made


def largest_face(data: bytes, detector: Detector) -> tuple[Frame, Detection] | None:
    """A picture, turned upright, and its largest face; None when there is none to be seen.

    Public sets hold pictures that lie on their side without an EXIF note, so all four
    turns are tried when the first look is not sure.
    """
    try:
        frame = decode(data)
    except FaceKeyError:
        return None
    best: tuple[Frame, Detection] | None = None
    for turns in range(4):
        turned = Frame(np.ascontiguousarray(np.rot90(frame.pixels, turns)))
        faces = detector.detect(turned)
        if faces:
            face = max(faces, key=lambda found: found.box.area * found.score)
            # A face on its side is found as well, less surely; a real turn is upright.
            upright = abs(upright_angle(face.landmarks)) < np.pi / 4
            if best is None or (face.score + upright) > _worth(best[1]):
                best = turned, face
            if face.score >= SURE_SCORE and upright:
                break
    return best


def stored_crop(frame: Frame, detection: Detection) -> Pixels:
    """The product's context crop with its margin: (STORED_PX, STORED_PX, 3) uint8 RGB."""
    box = detection.box
    # The product's own function does the cutting: a box that is larger by the margin gives
    # the same middle at the same scale.
    half = min(box.width, box.height) / 2 * STORED_PX / CROP_PX
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    wide = Detection(
        Box(x - half, y - half, x + half, y + half), detection.landmarks, detection.score, detection.detector
    )
    return product_crop(frame, wide, crop_px=STORED_PX).pixels


def _worth(detection: Detection) -> float:
    return detection.score + (abs(upright_angle(detection.landmarks)) < np.pi / 4)


def _fingerprint(source: SourceSet) -> str:
    digest = hashlib.sha256(f"{FORMAT} {STORED_PX} {CONTEXT_SIDE} {cv2.__version__}".encode())
    for picture in source.pictures:
        stat = picture.path.stat()
        said = f"{picture.path.name} {picture.live} {stat.st_size} {stat.st_mtime_ns}"
        digest.update((said if picture.moment is None else f"{said} {picture.moment}").encode() + b"\n")
    return digest.hexdigest()[:16]
