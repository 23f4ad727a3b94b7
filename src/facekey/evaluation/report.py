"""Report: what was measured, as data. `as_json`, `page` and `textfile` write it down."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from facekey.evaluation.engine import Network
from facekey.evaluation.rates import Curve, Histogram, Share

SCHEMA = "facekey-evaluation/1"


class Line(StrEnum):
    """What stood between the pictures and the comparison."""

    PIPELINE = "pipeline"
    """The whole product: what it sends back is never accepted."""
    RECOGNITION = "recognition"
    """Detector and recognition networks alone, without the gates of quality and liveness."""


MEANT = {
    Line.PIPELINE: "whole pipeline",
    Line.RECOGNITION: "recognition alone",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Attributes:
        name: stable, lower case, such as `accuracy`, `fnmr_at_fmr`, `tar_at_threshold`.
        said: the same for people.
        system: `fusion`, or one network's short name; empty where none is meant.
        line: what stood before it.
        value: 0..1.
        share: the interval and the counts; None where none can be given.
        at: the false match rate that it is measured at, where there is one.
        threshold: in decades of false match rate, where there is one.
    """

    name: str
    said: str
    system: str
    line: Line
    value: float
    share: Share | None = None
    at: float | None = None
    threshold: float | None = None

    @classmethod
    def of(
        cls,
        name: str,
        said: str,
        system: str,
        line: Line,
        share: Share,
        *,
        at: float | None = None,
        threshold: float | None = None,
    ) -> "Figure":
        """A figure that is a share."""
        return cls(name, said, system, line, share.value, share, at, threshold)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures by something else than the network, such as groups of people.

    Attributes:
        columns: their headings; the first column names the row.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The curves of one system.

    Attributes:
        threshold: the deployment's, for the mark on the histogram.
    """

    system: str
    curve: Curve
    histogram: Histogram
    threshold: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A comparison that went wrong at the deployment's threshold.

    Attributes:
        score: evidence, in decades.
    """

    left: str
    right: str
    mated: bool
    score: float


@dataclass(frozen=True, slots=True)
class Section:
    """One protocol.

    Attributes:
        key: stable, lower case: `lfw`, `glasses`, ...
        protocol: what was done, sentence by sentence.
        failures: the worst of both kinds, by the system that decides.
        notes: what a reader must know to read the figures right.
    """

    key: str
    title: str
    protocol: tuple[str, ...]
    figures: tuple[Figure, ...]
    manifest_sha256: str
    pictures: int
    tables: tuple[Table, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation.

    Attributes:
        version: of FaceKey, and the commit where it runs from a repository.
        command: that makes it again.
        match_fmr: the deployment's threshold as a false match rate.
        liveness_threshold: from the networks' cards.
    """

    made_at: datetime
    version: str
    machine: str
    command: str
    match_fmr: float
    liveness_threshold: float
    networks: tuple[Network, ...]
    sections: tuple[Section, ...]


def written(share: Share) -> str:
    """`99.02 % [98.7, 99.2] (5941 of 6000)`."""
    interval = f"[{_number(share.low)}, {_number(share.high)}]"
    return f"{percent(share.value)} {interval} ({share.hits:,} of {share.total:,})"


def rate(value: float) -> str:
    """`1e-3`: a rate as it is spoken of."""
    return f"{value:.0e}".replace("e-0", "e-") if value < 0.1 else f"{value:g}"


def percent(value: float) -> str:
    """`99.12 %`, with as many places as a small share needs."""
    return f"{_number(value)} %"


def _number(value: float) -> str:
    value *= 100
    if value < 1e-9 or value >= 0.1:
        return f"{value:.2f}"
    return f"{value:.2g}"
