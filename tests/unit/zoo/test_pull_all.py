"""`facekey models pull --all` as on a machine with internet, against a server that misbehaves."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from typer.testing import CliRunner, Result

from facekey.cli import models
from facekey.cli.exits import Exit
from facekey.core.types import Crop
from facekey.wiring.vision import EMBEDDERS
from facekey.zoo import zoo as zoo_module
from facekey.zoo.sources.upstream import Downloader
from facekey.zoo.zoo import Zoo
from tests.unit.zoo.conftest import CardFolder, Page, Server
from tests.unit.zoo.stand_ins import upstream_cards

BIG = 2_000_000


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own timeouts, in small."""
    quick = partial(Downloader, connect_timeout_s=2.0, read_timeout_s=0.3, pause_s=0.0)
    monkeypatch.setattr(zoo_module, "Downloader", quick)


def pull(folder: Path, *arguments: str) -> Result:
    places = ["--cache", str(folder / "cache"), "--cards", str(folder / "cards")]
    return CliRunner().invoke(
        models.app, ["pull", *arguments, *places], env={"COLUMNS": "200", "FACEKEY_MODELS_MIRROR": ""}
    )


def line_of(result: Result, name: str) -> str:
    (line,) = [line for line in result.output.splitlines() if line.split()[:1] == [name]]
    return line


def publish(
    server: Server, cards: CardFolder, network: bytes, name: str, page: Page, *, pack: str = "optional"
) -> None:
    server.pages[f"/{name}.onnx"] = page
    source = f'kind = "url"\nurl = "{server.url(f"/{name}.onnx")}"\nmax_bytes = {len(network)}'
    cards.write(network, source, name=name, pack=pack)


def test_all_upstream_networks_come_from_the_addresses_on_their_cards(server: Server, tmp_path: Path) -> None:
    names = upstream_cards(server, tmp_path / "cards")
    assert {"arcface_r100", "arcface_r50", "arcface_mobile", "facenet", "midas_small"} <= set(names)
    first = pull(tmp_path, "--all")
    assert first.exit_code == 0, first.output
    for name in names:
        assert "installed" in line_of(first, name)
    zoo = Zoo(cache_dir=tmp_path / "cache", cards_dir=tmp_path / "cards")
    # Each is what its adapter was written for, and embeds.
    for name in EMBEDDERS.keys() & set(names):
        embedder = EMBEDDERS[name](zoo.open(name))
        pixels = np.random.default_rng(2).integers(0, 256, (embedder.crop_px,) * 2 + (3,), dtype=np.uint8)
        crop = Crop(pixels, embedder.layout, np.eye(2, 3, dtype=np.float32))
        one, again = embedder.embed([crop, crop])
        assert one.vector.shape == (512,)
        np.testing.assert_allclose(one.vector, again.vector, atol=1e-5)
    assert not list((tmp_path / "cache").rglob("*.part*"))
    assert not list((tmp_path / "cache").glob(".pull-*"))
    # A second one asks nobody.
    server.seen.clear()
    assert pull(tmp_path, "--all").exit_code == 0
    assert server.seen == []


def test_each_failure_is_one_line_and_keeps_nothing_else_from_coming(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    network = tiny_onnx
    half = len(network) // 2
    publish(server, cards, network, "fine", Page(network))
    publish(server, cards, network, "gone", Page(b"", status=404))
    publish(server, cards, network, "broken_server", Page(b"", status=500))
    publish(server, cards, network, "stalls", Page(network, stall_after=0))
    publish(server, cards, network, "ends_early", Page(network, cut_at=[half, 1, 1]))
    publish(server, cards, network, "other_bytes", Page(network[::-1]))
    publish(server, cards, network, "a_page", Page(b"<!DOCTYPE html>\n<title>Sign in</title>"))
    publish(server, cards, network, "promises_less", Page(network, claim_bytes=half))
    publish(server, cards, network, "promises_more", Page(network, claim_bytes=10 * len(network)))
    publish(server, cards, network, "in_circles", Page(b"", redirect="/in_circles.onnx"))
    publish(server, cards, network, "zz_last", Page(network), pack="default")

    first = pull(tmp_path, "--all")
    assert first.exit_code == Exit.UNAVAILABLE
    reasons = {
        "gone": "answered 404",
        "broken_server": "answered 500",
        "stalls": "didn't answer in time",
        "ends_early": "closed",
        "other_bytes": "expected sha256",
        "a_page": "web page",
        "promises_less": "expected sha256",
        "promises_more": "offers",
        "in_circles": "redirect",
    }
    for name, reason in reasons.items():
        assert reason in line_of(first, name), first.output
    for name in ("fine", "zz_last"):
        assert "installed" in line_of(first, name)
    assert f"2 of {2 + len(reasons)} installed" in first.output
    assert not list((tmp_path / "cache").rglob("gone.onnx"))

    # Once the servers are well again the same command brings the rest, and only the rest.
    for name in reasons:
        server.pages[f"/{name}.onnx"] = Page(network)
    server.seen.clear()
    second = pull(tmp_path, "--all")
    assert second.exit_code == 0, second.output
    assert len(server.seen) == len(reasons)
    # What came of the one that broke off was not fetched again.
    assert [asked for asked in server.seen if asked] == [f"bytes={half + 2}-"]


def test_the_default_pack_asks_for_no_optional_network(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    publish(server, cards, tiny_onnx, "wanted", Page(tiny_onnx), pack="default")
    publish(server, cards, tiny_onnx, "other", Page(b"", status=404))
    result = pull(tmp_path)
    assert result.exit_code == 0
    assert "could not be had" not in result.output


class Screen:
    """A display that nobody sees, and the bars of the command on it."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[step]}"),
        )
        self.progress = Progress(
            *columns, console=Console(file=self.text, width=120, force_terminal=False), auto_refresh=False
        )
        self.bars = models.Bars(self.progress)

    def lines(self) -> list[str]:
        console = Console(file=io.StringIO(), width=120)
        with console.capture() as captured:
            console.print(self.progress.get_renderable())
        return captured.get().splitlines()


def test_the_bars_show_bytes_that_are_true() -> None:
    screen = Screen()
    screen.bars.report("net", "asking http://127.0.0.1/net")
    screen.bars.report("net", "downloading", done=500_000, total=2_000_000)
    assert "0.5/2.0 MB" in screen.lines()[0]
    screen.bars.report("net", "downloading", done=BIG, total=BIG)
    screen.bars.report("net", "converting")
    assert "2.0/2.0 MB" in screen.lines()[0]
    assert "converting" in screen.lines()[0]
    screen.bars.report("net", "installed", done=1_500_000)
    assert "1.5/1.5 MB" in screen.lines()[0]
    screen.bars.report("other", "downloading", done=500_000, total=2_000_000)
    screen.bars.report("other", "failed")
    assert "0.5/2.0 MB" in screen.lines()[1]
    assert "failed" in screen.lines()[1]


def test_a_resumed_download_goes_on_in_its_bar(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    half = len(tiny_onnx) // 2
    publish(server, cards, tiny_onnx, "net", Page(tiny_onnx, cut_at=[half]))
    told: list[tuple[str, int, int | None]] = []

    class Listener:
        def report(self, name: str, step: str, *, done: int = 0, total: int | None = None) -> None:
            told.append((step, done, total))

    zoo = Zoo(cache_dir=tmp_path / "cache", cards_dir=cards.path)
    assert zoo.pull(["net"], Listener())[0].installed
    here = [(done, total) for step, done, total in told if step == "downloading"]
    assert [total for _, total in here] == [len(tiny_onnx)] * len(here)
    assert [done for done, _ in here] == sorted(done for done, _ in here)
    assert here[-1][0] == len(tiny_onnx)
    assert told[-1][0] == "installed"
