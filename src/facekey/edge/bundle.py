"""Bundle: a folder with networks, cards, thresholds and the code that runs them, and nothing else."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from facekey import __version__
from facekey.core.errors import ModelError, RequestInvalid
from facekey.core.types import Pixels
from facekey.edge.code import bundle_code
from facekey.edge.comparison import (
    SERVICE_LOOK_PX,
    Comparison,
    Row,
    compare_networks,
    compare_scores,
    load_bundle,
)
from facekey.edge.made import Made, Precision, make_network
from facekey.edge.recipe import Recipe, read_recipe
from facekey.edge.runner.manifest import MANIFEST, Manifest, Network, Votes
from facekey.edge.runner.networks import DETECTOR, HEAD, MESH
from facekey.edge.texts import licences, read_me, requirements
from facekey.zoo.cards import Card, Task
from facekey.zoo.zoo import Zoo

EMBEDDER = "mobilefacenet"
MATCH_FMR = 1e-4  # as the service's default
SERVICE_LOOKS = (SERVICE_LOOK_PX, 2 * SERVICE_LOOK_PX)
REPORT, REPORT_JSON = "report.md", "report.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What to export.

    Attributes:
        pictures: by network, measure the ranges of activations on these; none to take those
            that come with FaceKey.
        photos: compare scores on these.
        force: replace a bundle that is there.
        times: how often each network is timed.
    """

    precision: Precision
    pictures: Mapping[str, Sequence[Pixels]]
    photos: Sequence[bytes]
    force: bool = False
    times: int = 15


def export_bundle(zoo: Zoo, cards_dir: Path, target: Path, order: Order) -> Comparison:
    """Write a bundle; the folder is there whole or not at all.

    Raises:
        RequestInvalid: the folder holds something already.
        ModelUnavailable: a network is not installed.
        ModelError: a network can't be changed, or the bundle doesn't run.
    """
    _check_target(target, force=order.force)
    recipe = read_recipe(cards_dir)
    names, votes = _networks(zoo, recipe, order.precision)
    graphs = {name: zoo.graph(name) for name in names}
    cards = {name: zoo.card(name) for name in names}
    made = {
        name: make_network(
            cards[name],
            graph,
            precision=order.precision,
            recipe=recipe,
            pictures=order.pictures.get(name, ()),
        )
        for name, graph in graphs.items()
    }
    rows = tuple(
        compare_networks(name, one.how, graphs[name], one.content, times=order.times)
        for name, one in made.items()
    )
    with _whole(target, force=order.force) as folder:
        files = _files(cards, made, cards_dir)
        manifest = _manifest(order.precision, made, votes, files, recipe)
        _write(folder, {**files, MANIFEST: manifest.text().encode()})
        comparison = _compared(folder, zoo, cards_dir, rows, order)
        reports = {REPORT: comparison.as_markdown().encode(), REPORT_JSON: comparison.as_json().encode()}
        manifest = _manifest(order.precision, made, votes, {**files, **reports}, recipe)
        _write(folder, {**reports, MANIFEST: manifest.text().encode()})
    return comparison


def _networks(zoo: Zoo, recipe: Recipe, precision: Precision) -> tuple[list[str], Votes]:
    """Which networks the bundle has, and how its liveness networks vote."""
    votes = _service_votes(zoo)
    if precision is Precision.INT8:
        voting = recipe.voting
        votes = Votes(voting.threshold, voting.slopes, voting.intercepts, voting.born.protocol)
    return [DETECTOR, MESH, EMBEDDER, *votes.slopes], votes


def _service_votes(zoo: Zoo) -> Votes:
    """As `wiring.vision` takes them from the cards: all that have a threshold, the strictest line."""
    uses = {
        card.name: card.liveness
        for card in zoo.cards.values()
        if card.task is Task.LIVENESS and card.liveness is not None and card.liveness.threshold is not None
    }
    if not uses:
        raise ModelError("no card of a liveness network has a threshold")
    return Votes(
        threshold=max(use.threshold or 0.0 for use in uses.values()),
        slopes={name: 1.0 / use.temperature for name, use in uses.items()},
        intercepts={name: use.bias for name, use in uses.items()},
        born="; ".join(sorted({use.born.protocol for use in uses.values() if use.born is not None})),
    )


def _files(cards: Mapping[str, Card], made: Mapping[str, Made], cards_dir: Path) -> dict[str, bytes]:
    files = dict(bundle_code())
    for name, one in made.items():
        files[f"networks/{name}.onnx"] = one.content
        files[f"cards/{name}.toml"] = cards[name].path.read_bytes()
    files[HEAD] = (cards_dir / "weights" / HEAD).read_bytes()
    files["README.md"] = read_me().encode()
    files["requirements.txt"] = requirements().encode()
    files["LICENCES.md"] = licences(list(cards.values())).encode()
    return files


def _manifest(
    precision: Precision,
    made: Mapping[str, Made],
    votes: Votes,
    files: Mapping[str, bytes],
    recipe: Recipe,
) -> Manifest:
    return Manifest(
        precision=str(precision),
        facekey=__version__,
        networks={
            name: Network(f"networks/{name}.onnx", f"cards/{name}.toml", one.model_id)
            for name, one in made.items()
        },
        embedder=EMBEDDER,
        liveness=votes,
        detector_px=recipe.detector_px if precision is Precision.INT8 else SERVICE_LOOKS,
        match_fmr=MATCH_FMR,
        files={name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    )


def _compared(folder: Path, zoo: Zoo, cards_dir: Path, rows: tuple[Row, ...], order: Order) -> Comparison:
    """Load what was written, which proves that it runs, and hold it against the service's networks."""
    bundle = load_bundle(folder)
    parity = None
    if order.photos:
        plain = folder.with_name(f"{folder.name}.fp32")
        try:
            _write_plain(plain, zoo, cards_dir)
            parity = compare_scores(load_bundle(plain), bundle, order.photos)
        finally:
            shutil.rmtree(plain, ignore_errors=True)
    look = bundle.manifest.detector_px[0]
    return Comparison(str(order.precision), order.times, look, rows, parity)


def _write_plain(folder: Path, zoo: Zoo, cards_dir: Path) -> None:
    """The service's own networks as a bundle, without reports."""
    recipe = read_recipe(cards_dir)
    names, votes = _networks(zoo, recipe, Precision.FP32)
    cards = {name: zoo.card(name) for name in names}
    made = {
        name: make_network(card, zoo.graph(name), precision=Precision.FP32, recipe=recipe)
        for name, card in cards.items()
    }
    files = _files(cards, made, cards_dir)
    manifest = _manifest(Precision.FP32, made, votes, files, recipe)
    folder.mkdir()
    _write(folder, {**files, MANIFEST: manifest.text().encode()})


def _check_target(target: Path, *, force: bool) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise RequestInvalid("out_invalid", f"{target} is no folder; name another with --out")
    if not target.exists() or not any(target.iterdir()):
        return
    if not force:
        raise RequestInvalid(
            "out_not_empty", f"{target} is not empty; --force replaces a bundle that is there"
        )
    if not (target / MANIFEST).is_file():
        raise RequestInvalid(
            "out_not_empty", f"{target} holds something else than a bundle; nothing was touched"
        )


@contextmanager
def _whole(target: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside the target that takes its place once it is complete, and is gone otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    folder.mkdir()
    try:
        yield folder
        if target.exists():
            _check_target(target, force=force)
            shutil.rmtree(target)
        folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
