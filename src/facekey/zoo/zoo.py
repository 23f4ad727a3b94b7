"""The zoo: networks by name, fetched, verified, converted once, and opened.

The cache holds a folder for each network: the published file, the converted graph, and a
manifest that says from what and how the graph was made. The hashes of published files
are in the cards; that of a graph is in its manifest, so the cache is to be as well
guarded as the program itself.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from facekey.core.errors import ModelError, ModelUnavailable
from facekey.zoo.batching import Batching
from facekey.zoo.cards import Card, Pack, load_cards
from facekey.zoo.convert.recipe import recipe_of
from facekey.zoo.cores import MAX_THREADS
from facekey.zoo.device import Device
from facekey.zoo.durable import locked, require_sha256, sha256_of, write_whole
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.progress import Progress, Silent
from facekey.zoo.sources.fetch import Fetcher, fetcher
from facekey.zoo.sources.upstream import Downloader

_PACKAGED_CARDS = Path(__file__).parents[1] / "_cards"
_REPOSITORY_CARDS = Path(__file__).parents[3] / "models"


def default_cards_dir() -> Path:
    """The cards that come with FaceKey: in the installed package, or in the source tree."""
    return _PACKAGED_CARDS if _PACKAGED_CARDS.is_dir() else _REPOSITORY_CARDS


LARGE_BYTES = 16 * 1024 * 1024
"""Of a graph: waking a second thread for a smaller one takes what it saves (docs/decisions/0019)."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether a network can be opened.

    Attributes:
        reason: why it can't, in one line; None when it can.
        size_bytes: of the converted graph, 0 when there is none.
    """

    card: Card
    reason: str | None
    size_bytes: int = 0

    @property
    def installed(self) -> bool:
        """It can be opened."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a converted graph was made.

    Attributes:
        weights_sha256: of the published file.
        recipe: see `convert.recipe.recipe_of`.
        onnx_sha256: of the converted graph.
        source: which source gave the published file.
        made_at: ISO 8601, UTC.
    """

    weights_sha256: str
    recipe: str
    onnx_sha256: str
    source: str
    made_at: str


class Zoo:
    """All networks that there are cards for. Safe to share between threads and processes."""

    def __init__(
        self,
        *,
        cache_dir: Path,
        cards_dir: Path | None = None,
        mirror: str | Path | None = None,
        downloader: Downloader | None = None,
        observe: Callable[[str, float], None] | None = None,
        threads: int = MAX_THREADS,
        device: Device | None = None,
        batching: Batching | None = None,
    ) -> None:
        """Read the cards; nothing is fetched and the cache is not touched.

        Args:
            cache_dir: where weights and graphs are kept.
            cards_dir: other cards than those that come with FaceKey.
            mirror: a folder or `file://` address that is asked before all sources.
            downloader: other timeouts than the usual ones.
            observe: told the name of a network and the seconds, whenever one ran.
            threads: for one run of a network, at most.
            device: what the networks run on; left out, the best there is.
            batching: whether requests are computed together; left out, each is alone.

        Raises:
            CardInvalid: a card can't be read.
        """
        self._cache = cache_dir
        # An empty variable is no mirror, and never the folder one happens to be in.
        self._mirror = mirror or None
        self._downloader = Downloader() if downloader is None else downloader
        self._observe = observe
        self._threads = threads
        self._device = device
        self._batching = batching
        self._cards = load_cards(default_cards_dir() if cards_dir is None else cards_dir)

    @property
    def threads(self) -> int:
        """For one run of a network, at most."""
        return self._threads

    @property
    def cards(self) -> Mapping[str, Card]:
        """All cards by name."""
        return self._cards

    def names(self, pack: Pack | None = None) -> tuple[str, ...]:
        """Names of all networks, or of one pack."""
        return tuple(name for name, card in self._cards.items() if pack in (None, card.pack))

    def card(self, name: str) -> Card:
        """The card of one network.

        Raises:
            ModelUnavailable: there is none of that name.
        """
        if name not in self._cards:
            raise ModelUnavailable(name, f"there is no such network; there are {', '.join(self._cards)}")
        return self._cards[name]

    def status(self, name: str) -> Status:
        """Whether a network is here, without reading it.

        Raises:
            ModelUnavailable: there is no card of that name.
        """
        card = self.card(name)
        if self._current(card) is not None and self._onnx(card).is_file():
            return Status(card, None, self._onnx(card).stat().st_size)
        fetched = self._weights(card).is_file()
        try:
            failure = self._failure(card).read_text(encoding="utf-8").strip()
        except OSError:
            return Status(card, "fetched, not converted yet" if fetched else "not pulled yet")
        return Status(card, f"the last pull failed: {failure}")

    def pull(self, names: Iterable[str], progress: Progress | None = None) -> list[Status]:
        """Fetch, verify and convert what is not here yet.

        One network that can't be had doesn't keep the others from coming.

        Returns:
            One status for each name, in order, with the reason of those that failed.

        Raises:
            ModelUnavailable: there is no card of one of the names; nothing was fetched.
        """
        cards = [self.card(name) for name in names]
        watcher = Silent() if progress is None else progress
        here = [self._verify_one(card) for card in cards]
        if all(status.installed for status in here):
            return here  # A cache that can't be written is good enough as long as it is complete.
        try:
            with fetcher(
                self._cache, mirror=self._mirror, downloader=self._downloader, progress=watcher
            ) as sources:
                return [self._pull_one(card, sources, watcher) for card in cards]
        except OSError as error:
            return [Status(card, f"the cache can't be written: {error}") for card in cards]

    def verify(self, names: Iterable[str]) -> list[Status]:
        """Hash both files of each network again.

        Raises:
            ModelUnavailable: there is no card of one of the names.
        """
        return [self._verify_one(self.card(name)) for name in names]

    def open(self, name: str, *, threads: int | None = None) -> OnnxSession:
        """Load a network that is in the cache. The bytes that are loaded are those that were hashed.

        A graph that an older version of FaceKey made is made again from the weights.

        Args:
            name: of the network.
            threads: for one run, at most; left out, one for a small network, and for a large one
                as many as the zoo's networks may have.

        Raises:
            ModelUnavailable: it is not in the cache; says what to do.
            HashMismatch: its file was changed.
            ModelError: ONNX Runtime can't load it.
        """
        card = self.card(name)
        observe = None if self._observe is None else partial(self._observe, card.name)
        graph = self._read(card)
        if threads is None:
            threads = self._threads if len(graph) >= LARGE_BYTES else 1
        return OnnxSession(
            graph,
            model_id=card.model_id,
            threads=threads,
            device=self._device,
            batching=self._batching,
            observe=observe,
        )

    def published(self, name: str) -> Path:
        """The file as it was published, kept beside the graph; its hash was checked when it came.

        Raises:
            ModelUnavailable: it is not in the cache.
        """
        path = self._weights(self.card(name))
        if not path.is_file():
            raise ModelUnavailable(name, f"not installed; run `facekey models pull {name}`")
        return path

    def graph(self, name: str) -> bytes:
        """The converted graph of a network that is in the cache, its hash checked.

        Raises:
            ModelUnavailable: it is not in the cache; says what to do.
            HashMismatch: its file was changed.
        """
        return self._read(self.card(name))

    def export(self, name: str, destination: Path) -> list[Path]:
        """Write the converted graph, its card and its hash into a folder.

        Returns:
            The files: `<name>.onnx`, `<name>.toml`, `<name>.onnx.sha256`.

        Raises:
            ModelUnavailable: it is not in the cache.
            HashMismatch: its file was changed.
        """
        card = self.card(name)
        content = self._read(card)
        manifest = self._current(card)
        digest = "" if manifest is None else manifest.onnx_sha256
        files = {
            f"{name}.onnx": content,
            f"{name}.toml": card.path.read_bytes(),
            f"{name}.onnx.sha256": f"{digest}  {name}.onnx\n".encode(),
        }
        for file, data in files.items():
            write_whole(destination / file, data)
        return [destination / file for file in files]

    def _pull_one(self, card: Card, sources: Fetcher, progress: Progress) -> Status:
        try:
            with locked(self._folder(card) / ".lock"):
                # Another process may have brought it while this one waited.
                if not self._verify_one(card).installed:
                    source = self._bring(card, sources)
                    progress.report(card.name, "converting")
                    self._convert(card, source)
                self._failure(card).unlink(missing_ok=True)
        except ModelError as error:
            reason = error.reason if isinstance(error, ModelUnavailable) else _one_line(error)
            # So that a listing can still say why, long after.
            write_whole(self._failure(card), reason.encode())
            progress.report(card.name, "failed")
            return Status(card, reason)
        except OSError as error:
            return Status(card, f"the cache can't be written: {_one_line(error)}")
        status = self.status(card.name)
        progress.report(card.name, "installed", done=status.size_bytes)
        return status

    def _bring(self, card: Card, sources: Fetcher) -> str:
        """Have the published file in the cache, and say where it came from."""
        weights = self._weights(card)
        if weights.is_file():
            if sha256_of(weights) == card.weights.sha256:
                return "cache"
            weights.unlink()
        return sources.fetch(card, weights)

    def _verify_one(self, card: Card) -> Status:
        status = self.status(card.name)
        if not status.installed:
            return status
        manifest = self._current(card)
        try:
            if sha256_of(self._weights(card)) != card.weights.sha256:
                return Status(card, "the weights in the cache were changed; pull again")
            if manifest is None or sha256_of(self._onnx(card)) != manifest.onnx_sha256:
                return Status(card, "the converted graph in the cache was changed; pull again")
        except OSError as error:
            return Status(card, f"the cache can't be read: {_one_line(error)}")
        return status

    def _read(self, card: Card) -> bytes:
        """The converted graph, its hash checked."""
        manifest = self._current(card)
        try:
            if manifest is None or not self._onnx(card).is_file():
                manifest = self._convert_again(card)
            content = self._onnx(card).read_bytes()
        except OSError as error:
            raise ModelUnavailable(card.name, f"the cache can't be used: {_one_line(error)}") from error
        require_sha256(content, manifest.onnx_sha256, str(self._onnx(card)))
        return content

    def _convert_again(self, card: Card) -> Manifest:
        weights = self._weights(card)
        if not weights.is_file():
            raise ModelUnavailable(card.name, f"not installed; run `facekey models pull {card.name}`")
        with locked(self._folder(card) / ".lock"):
            manifest = self._current(card)
            if manifest is not None and self._onnx(card).is_file():
                return manifest
            return self._convert(card, "cache")

    def _convert(self, card: Card, source: str) -> Manifest:
        """Make the graph from the weights in the cache. The caller holds the lock."""
        weights = self._weights(card).read_bytes()
        require_sha256(weights, card.weights.sha256, card.weights.file)
        # Here and not above: the converter and its libraries are large, and a service that
        # finds its graphs in the cache never needs them.
        from facekey.zoo.convert.conversion import convert  # noqa: PLC0415
        from facekey.zoo.convert.proof import prove  # noqa: PLC0415

        graph = convert(card, weights)
        prove(card, graph)
        write_whole(self._onnx(card), graph)
        # Last: a graph without its manifest counts as absent.
        manifest = Manifest(
            weights_sha256=card.weights.sha256,
            recipe=recipe_of(card),
            onnx_sha256=sha256_of(self._onnx(card)),
            source=source,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_whole(self._manifest(card), json.dumps(asdict(manifest), indent=2).encode() + b"\n")
        return manifest

    def _current(self, card: Card) -> Manifest | None:
        """The manifest of a graph that this version would make the same way, else None."""
        try:
            values = json.loads(self._manifest(card).read_text(encoding="utf-8"))
            manifest = Manifest(**values)
        except (OSError, ValueError, TypeError):
            return None
        same = (manifest.weights_sha256, manifest.recipe) == (card.weights.sha256, recipe_of(card))
        return manifest if same else None

    def _folder(self, card: Card) -> Path:
        return self._cache / card.name

    def _weights(self, card: Card) -> Path:
        # Never mistaken for the graph, even if the published file is <name>.onnx.
        return self._folder(card) / "published" / card.weights.file

    def _onnx(self, card: Card) -> Path:
        return self._folder(card) / f"{card.name}.onnx"

    def _failure(self, card: Card) -> Path:
        return self._folder(card) / "last_failure.txt"

    def _manifest(self, card: Card) -> Path:
        return self._folder(card) / "manifest.json"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
