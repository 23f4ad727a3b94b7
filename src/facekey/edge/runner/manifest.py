"""The manifest of a bundle: which networks it has, how they are read, and the hash of every file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from facekey.core.errors import ModelError, ModelUnavailable
from facekey.zoo.durable import require_sha256

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Network:
    """One network of a bundle.

    Attributes:
        file: the ONNX file.
        card: its model card.
        model_id: that of the card, and for changed networks how and into what they were changed.
    """

    file: str
    card: str
    model_id: str


@dataclass(frozen=True, slots=True)
class Votes:
    """How the liveness networks decide together.

    Attributes:
        threshold: lowest score that passes as live.
        slopes: of Platt's calibration, by network.
        intercepts: of the same calibration.
        born: where these numbers come from, in one line.
    """

    threshold: float
    slopes: Mapping[str, float]
    intercepts: Mapping[str, float]
    born: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says.

    Attributes:
        precision: `fp32`, `fp16` or `int8`.
        facekey: version that made the bundle.
        networks: by name.
        embedder: name of the recognition network.
        liveness: of the liveness networks.
        detector_px: long side of the detector's first and second look.
        match_fmr: share of strangers that one comparison may let pass.
        files: SHA-256 of every other file, by its path in the bundle.
    """

    precision: str
    facekey: str
    networks: Mapping[str, Network]
    embedder: str
    liveness: Votes
    detector_px: tuple[int, int]
    match_fmr: float
    files: Mapping[str, str]
    format: int = FORMAT

    def text(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle.

    Raises:
        ModelUnavailable: there is none.
        ModelError: it can't be read, or is of another format.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelUnavailable(
            "edge bundle", f"{folder} holds no {MANIFEST}; export the bundle again"
        ) from error
    except ValueError as error:
        raise ModelError(f"{MANIFEST} can't be read: {error}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ModelError(f"{MANIFEST} is not of format {FORMAT}; export the bundle again")
    try:
        manifest = Manifest(
            precision=str(values["precision"]),
            facekey=str(values["facekey"]),
            networks={str(name): Network(**one) for name, one in values["networks"].items()},
            embedder=str(values["embedder"]),
            liveness=Votes(**values["liveness"]),
            detector_px=(int(values["detector_px"][0]), int(values["detector_px"][1])),
            match_fmr=float(values["match_fmr"]),
            files={str(name): str(digest) for name, digest in values["files"].items()},
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelError(f"{MANIFEST} can't be read: {error!r}; export the bundle again") from error
    for name in (manifest.embedder, *manifest.liveness.slopes):
        if name not in manifest.networks or name not in {*manifest.liveness.intercepts, manifest.embedder}:
            raise ModelError(f"{MANIFEST} names {name} and has no such network")
    return manifest


def read_file(folder: Path, name: str, manifest: Manifest) -> bytes:
    """The bytes of one file, which are those that the manifest names.

    Raises:
        ModelUnavailable: it is missing.
        HashMismatch: it is another file, or a part of it.
        ModelError: the manifest doesn't know it, or it lies outside the bundle.
    """
    digest = manifest.files.get(name)
    path = PurePosixPath(name)
    if digest is None or path.is_absolute() or ".." in path.parts:
        raise ModelError(f"{MANIFEST} has no file {name}")
    try:
        content = (folder / path).read_bytes()
    except OSError as error:
        raise ModelUnavailable(name, "the file is missing; export the bundle again") from error
    require_sha256(content, digest, name)
    return content
