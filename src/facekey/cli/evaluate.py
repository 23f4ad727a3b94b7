"""`facekey evaluate`: how well faces are recognised, on data of one's own, with a report."""

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import print_table
from facekey.core.calibration import evidence_of_fmr
from facekey.core.choice import ALL_MEASURED, Choice
from facekey.core.errors import RequestInvalid
from facekey.evaluation.as_json import as_json
from facekey.evaluation.cache import Captures, Forgetful, forget, open_cache
from facekey.evaluation.engine import Engine, open_engine
from facekey.evaluation.machine import describe, version
from facekey.evaluation.material import Picture, Watch
from facekey.evaluation.page import page, thumbnails
from facekey.evaluation.protocols import FEWEST_PHOTOS, Protocols
from facekey.evaluation.report import MEANT, Figure, Report, Section, percent, written
from facekey.evaluation.textfile import require_name, write_textfile
from facekey.settings import Settings, read_settings
from facekey.wiring.vision import open_zoo
from facekey.zoo.durable import write_whole

app = typer.Typer(help="How well faces are recognised, on data of your own.", no_args_is_help=True)
output = Console()

Data = Annotated[
    Path,
    typer.Option("--data", exists=True, file_okay=False, help="Folder with the data (docs/evaluation.md)."),
]
Html = Annotated[Path | None, typer.Option("--html", dir_okay=False, help="Write the report as one page.")]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write it for programs.")]
Textfile = Annotated[
    Path | None,
    typer.Option(
        "--textfile",
        dir_okay=False,
        help="Write figures for FACEKEY_METRICS_DIR or a node exporter (*.prom).",
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor keep what was made of the pictures.")
]
ShowFaces = Annotated[
    bool,
    typer.Option("--show-faces", help="Show the pictures of failures in the page, which then holds faces."),
]

NetworkNames = Annotated[
    list[str] | None,
    typer.Option(
        "--network",
        help="A recognition network that decides, once for each; all that are installed otherwise.",
        show_default=False,
    ),
]


@app.callback()
def root() -> None:
    """How well faces are recognised, on data of your own."""


OVER_A_FOLDER: tuple[tuple[str, str, Callable[[Protocols, Path], Iterable[Section]]], ...] = (
    (
        "lfw",
        "LFW: the list of pairs, all pairs of its pictures, and templates of five photos.",
        Protocols.lfw,
    ),
    (
        "cfp-fp",
        "CFP, frontal against profile: as it is handed out, or as a pack or list of pairs.",
        Protocols.cfp_fp,
    ),
    (
        "agedb-30",
        "AgeDB, pictures 30 years apart: a pack, or a list of pairs beside the pictures.",
        Protocols.agedb_30,
    ),
    ("glasses", "Enrolled without glasses, probed with them, and the other way round.", Protocols.glasses),
    ("gender", "LFW by gender: are error rates worse for one group?", Protocols.gender),
    (
        "demographics",
        "UTKFace by age, gender and ethnicity: false matches and failures, no identities.",
        Protocols.demographics,
    ),
    ("all", "Whatever of these the folder holds, in one report.", Protocols.everything),
)
"""What needs nothing but a folder: the command, what it says of itself, what it does."""


def _offer(name: str, said: str, measure: Callable[[Protocols, Path], Iterable[Section]]) -> None:
    @app.command(name, help=said)
    def _command(
        *,
        data: Data,
        html: Html = None,
        json: Json = None,
        textfile: Textfile = None,
        no_cache: NoCache = False,
        show_faces: ShowFaces = False,
        network: NetworkNames = None,
    ) -> None:
        _run(
            lambda protocols: measure(protocols, data),
            Wanted(html=html, json=json, textfile=textfile, no_cache=no_cache, show_faces=show_faces),
            network,
        )


for _name, _said, _measure in OVER_A_FOLDER:
    _offer(_name, _said, _measure)


@app.command()
def pairs(
    *,
    pairs_file: Annotated[Path, typer.Argument(metavar="LIST", exists=True, dir_okay=False, readable=True)],
    images: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The pictures it names.")],
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="All pairs of them too; takes a folder for each person.")
    ] = False,
    html: Html = None,
    json: Json = None,
    textfile: Textfile = None,
    no_cache: NoCache = False,
    show_faces: ShowFaces = False,
    network: NetworkNames = None,
) -> None:
    """Any list of pairs; docs/evaluation.md has its forms."""
    _run(
        lambda protocols: protocols.pairs(pairs_file, images, everything=all_pairs),
        Wanted(html=html, json=json, textfile=textfile, no_cache=no_cache, show_faces=show_faces),
        network,
    )


@app.command()
def pack(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE.bin", exists=True, dir_okay=False, readable=True)],
    html: Html = None,
    json: Json = None,
    textfile: Textfile = None,
    no_cache: NoCache = False,
    show_faces: ShowFaces = False,
    network: NetworkNames = None,
) -> None:
    """A .bin pack of aligned crops, as InsightFace hands them out: recognition alone."""
    _run(
        lambda protocols: protocols.pack(file),
        Wanted(html=html, json=json, textfile=textfile, no_cache=no_cache, show_faces=show_faces),
        network,
    )


@app.command()
def identification(
    *,
    data: Data,
    enrol: Annotated[int, typer.Option(min=1, max=10, help="Photos in a template.")] = FEWEST_PHOTOS,
    html: Html = None,
    json: Json = None,
    textfile: Textfile = None,
    no_cache: NoCache = False,
    show_faces: ShowFaces = False,
    network: NetworkNames = None,
) -> None:
    """Searches by people who are enrolled and by strangers; a folder for each person."""
    _run(
        lambda protocols: protocols.identification(data, enrol=enrol),
        Wanted(html=html, json=json, textfile=textfile, no_cache=no_cache, show_faces=show_faces),
        network,
    )


@app.command()
def detection(
    *,
    data: Data,
    boxes: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Marked faces, in WIDER FACE's form.")
    ] = None,
    html: Html = None,
    json: Json = None,
    textfile: Textfile = None,
    no_cache: NoCache = False,
    show_faces: ShowFaces = False,
    network: NetworkNames = None,
) -> None:
    """The share of pictures in which a face is found; with boxes, of faces found where they are."""
    _run(
        lambda protocols: protocols.detection(data, boxes=boxes),
        Wanted(html=html, json=json, textfile=textfile, no_cache=no_cache, show_faces=show_faces),
        network,
    )


@app.command("forget")
def forget_captures() -> None:
    """Delete what evaluations keep of pictures: vectors of faces, in the user's cache."""
    with told_in_one_line():
        folder = cache_folder(read_settings())
        output.print("deleted" if forget(folder) else "there was nothing", highlight=False)


class Wanted:
    """What to write, and how."""

    def __init__(
        self, *, html: Path | None, json: Path | None, textfile: Path | None, no_cache: bool, show_faces: bool
    ) -> None:
        """Take the options."""
        self.html = html
        self.json = json
        self.textfile = textfile
        self.no_cache = no_cache
        self.show_faces = show_faces

    def check(self) -> None:
        """Find out now, and not after a quarter of an hour, what can't be written.

        Raises:
            RequestInvalid: a folder is missing or can't be written; names it.
        """
        for path in (self.html, self.json, self.textfile):
            if path is not None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
                raise RequestInvalid(
                    "output_unwritable", f"{path.parent} is no folder that can be written to"
                )
        if self.textfile is not None:
            require_name(self.textfile)
        if self.show_faces and self.html is None:
            raise RequestInvalid("output_unwritable", "--show-faces is about the page: give --html too")

    def write(self, report: Report, pictures: dict[str, Picture]) -> None:
        """Write each in one step.

        Raises:
            RequestInvalid: it can't be written.
        """
        contents: list[tuple[Path, bytes]] = []  # all of it made before any of it is written
        if self.html is not None:
            failures = [wrong for one in report.sections for wrong in one.failures]
            names = [name for wrong in failures for name in (wrong.left, wrong.right)]
            faces = thumbnails(names, pictures) if self.show_faces else None
            contents.append((self.html, page(report, faces).encode()))
        if self.json is not None:
            contents.append((self.json, as_json(report).encode()))
        for path, content in contents:
            try:
                with _private() if self.show_faces else nullcontext():
                    write_whole(path, content)
            except OSError as error:
                raise RequestInvalid(
                    "output_unwritable", f"{path} can't be written: {error.strerror}"
                ) from error
        if self.textfile is not None:
            write_textfile(report, self.textfile)


def cache_folder(settings: Settings) -> Path:
    """Beside the networks, in the user's cache."""
    return settings.models_dir.parent / "evaluation"


def _run(
    measure: Callable[[Protocols], Iterable[Section]], wanted: Wanted, networks: list[str] | None
) -> None:
    with told_in_one_line():
        wanted.check()
        settings = read_settings()
        evidence = evidence_of_fmr(settings.match_fmr)

        @cache
        def engine() -> Engine:
            return open_engine(
                open_zoo(settings),
                match_evidence=evidence,
                fusion=None if settings.fusion == "auto" else settings.fusion,
                choice=Choice(frozenset(networks)) if networks else ALL_MEASURED,
            )

        with _bars() as watching, _captures(settings, wanted) as captures:
            protocols = Protocols(
                engine=engine, cache=captures, watching=watching, false_positive_rate=settings.identify_fpir
            )
            sections = tuple(measure(protocols))
        report = Report(
            datetime.now(UTC),
            version(),
            describe(),
            shlex.join(["facekey", *sys.argv[1:]]),
            settings.match_fmr,
            engine().liveness_threshold,
            engine().networks,
            sections,
        )
        wanted.write(report, protocols.pictures)
        _print(report)


def _captures(settings: Settings, wanted: Wanted) -> AbstractContextManager[Captures]:
    return nullcontext(Forgetful()) if wanted.no_cache else open_cache(cache_folder(settings))


@contextmanager
def _bars() -> Iterator[Callable[[str], Watch]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        _without_the_decoder() as screen,
        Progress(*columns, console=Console(file=screen), transient=True) as bars,
    ):

        def watching(name: str) -> Watch:
            task = bars.add_task(name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield watching


@contextmanager
def _without_the_decoder() -> Iterator[TextIO]:
    """The error output, for us alone.

    The JPEG decoder remarks on each of thousands of pictures that their last bytes are odd,
    straight onto the descriptor and through our bars.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="replace") as screen:
            yield screen
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _private() -> Iterator[None]:
    """What is written meanwhile is for its owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _print(report: Report) -> None:
    for section in report.sections:
        output.print(f"\n[bold]{section.title}[/bold]", highlight=False)
        for sentence in section.protocol:
            output.print(f"  {sentence}", highlight=False, markup=False)
        figures = [one for one in section.figures if one.system]  # the others stand in the first table
        if figures:
            _print_figures(figures)
        for table in section.tables:
            output.print(f"\n{table.title}", highlight=False, markup=False)
            print_table(table.columns, table.rows)


def _print_figures(figures: Sequence[Figure]) -> None:
    print_table(
        ("figure", "network", "line", ""),
        (
            (
                one.said.removesuffix(f", {MEANT[one.line]}"),
                one.system,
                MEANT[one.line],
                percent(one.value) if one.share is None else written(one.share),
            )
            for one in figures
        ),
    )
