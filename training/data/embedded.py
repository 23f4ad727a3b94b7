"""A labelled set of pictures as several networks see it, straight and mirrored; kept on disk."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ImageRefused, RequestInvalid
from facekey.core.ports.vision import Detector
from facekey.core.types import Detection, Floats, Frame, ModelId
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from training.embedders import Network
from training.progress import bar

BATCH = 32
PICTURES = ("*.jpg", "*.jpeg", "*.png")


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the networks make of a set. Rows are pictures, in the order of their names.

    Attributes:
        names: `person/picture`.
        people: (N,) whose picture each is.
        straight: by network (N, D) float32 unit vectors.
        mirrored: the same of the mirrored crops.
        lengths: by network (N,) float32, of the vectors before they were made units.
        missed: pictures without a face.
    """

    names: tuple[str, ...]
    people: NDArray[np.int64]
    straight: dict[ModelId, Floats]
    mirrored: dict[ModelId, Floats]
    lengths: dict[ModelId, Floats]
    missed: int


def embed(root: Path, detector: Detector, networks: Sequence[Network], kept: Path) -> Embedded:
    """Embed every picture of `root` or `root/images`, which has a folder for each person.

    Args:
        root: the set.
        detector: finds the faces; the one nearest the centre is whose the folder is.
        networks: that see them.
        kept: a folder in which vectors are kept between runs; it becomes private (0700).

    Raises:
        RequestInvalid: there are no pictures of two people.
    """
    images = pictures_of(root)
    paths = sorted(path for form in PICTURES for path in images.glob(f"*/{form}"))
    if len({path.parent for path in paths}) < 2:
        raise RequestInvalid("no_pictures", f"{images} has no folders with pictures of two people or more")
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = kept / f"embedded-{_fingerprint(paths, networks)}.npz"
    if not file.exists():
        _write(file, images, paths, detector, networks)
    return _read(file, networks)


def pictures_of(root: Path) -> Path:
    """Where the folders of people are: `root/images`, or `root` itself."""
    return root / "images" if (root / "images").is_dir() else root


def _write(
    file: Path, images: Path, paths: Sequence[Path], detector: Detector, networks: Sequence[Network]
) -> None:
    found: list[str] = []
    waiting: dict[ModelId, list[NDArray[np.uint8]]] = {network.model: [] for network in networks}
    raw: dict[ModelId, list[Floats]] = {network.model: [] for network in networks}

    def run() -> None:
        for network in networks:
            if waiting[network.model]:
                crops = np.stack(waiting[network.model])
                both = [network.raw(crops), network.raw(np.ascontiguousarray(crops[:, :, ::-1]))]
                raw[network.model].append(np.stack(both))
                waiting[network.model].clear()

    for path, frame, face in faces_of(paths, detector, "embedding"):
        found.append(path.relative_to(images).as_posix())
        for network in networks:
            crop = identity_crop(frame, face, crop_px=network.crop_px, layout=network.layout)
            waiting[network.model].append(crop.pixels)
        if len(waiting[networks[0].model]) == BATCH:
            run()
    run()
    if len({name.partition("/")[0] for name in found}) < 2:
        raise RequestInvalid("no_faces", f"faces of two people or more are needed; {len(found)} were found")
    stacks = {model: np.concatenate(parts, axis=1) for model, parts in raw.items()}
    part = file.with_suffix(".part.npz")
    np.savez(part, names=np.array(found), missed=len(paths) - len(found), **stacks)  # type: ignore[arg-type]
    part.replace(file)


def _read(file: Path, networks: Sequence[Network]) -> Embedded:
    with np.load(file, allow_pickle=False) as stored:
        names = tuple(stored["names"].tolist())
        people = [name.partition("/")[0] for name in names]
        straight, mirrored, lengths = {}, {}, {}
        for network in networks:
            both = stored[network.model]  # (2, N, D)
            norms = np.linalg.norm(both, axis=2, keepdims=True)
            straight[network.model], mirrored[network.model] = (both / norms).astype(np.float32)
            lengths[network.model] = norms[0, :, 0].astype(np.float32)
        numbers = np.unique(people, return_inverse=True)[1]
        return Embedded(names, numbers, straight, mirrored, lengths, int(stored["missed"]))


def faces_of(
    paths: Sequence[Path], detector: Detector, label: str
) -> Iterator[tuple[Path, Frame, Detection]]:
    """Of each picture the face nearest its middle; pictures that can't be read or show none are left out."""
    limits = DecodeLimits()
    for path in bar(paths, label, len(paths)):
        try:
            frame = decode(path.read_bytes(), limits)
        except ImageRefused:
            continue
        faces = detector.detect(frame)
        if faces:
            yield path, frame, nearest_centre(faces, frame)


def nearest_centre(faces: Sequence[Detection], frame: Frame) -> Detection:
    """The face nearest the middle of the picture: of whom the picture is."""
    height, width = frame.size

    def distance(face: Detection) -> float:
        box = face.box
        return float(np.hypot((box.x1 + box.x2 - width) / 2, (box.y1 + box.y2 - height) / 2))

    return min(faces, key=distance)


def _fingerprint(paths: Sequence[Path], networks: Sequence[Network]) -> str:
    parts = [*(network.model for network in networks)]
    parts += [f"{path.parent.name}/{path.name}:{path.stat().st_size}" for path in paths]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
