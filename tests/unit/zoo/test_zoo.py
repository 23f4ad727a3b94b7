import hashlib
import io
import json
import multiprocessing
import zipfile
from pathlib import Path

import numpy as np
import pytest

from facekey.core.errors import ConversionError, HashMismatch, ModelUnavailable
from facekey.zoo.convert import recipe
from facekey.zoo.sources.upstream import Downloader
from facekey.zoo.zoo import Zoo
from tests.unit.zoo.conftest import CardFolder, Page, Server

QUICK = Downloader(connect_timeout_s=2.0, read_timeout_s=0.5, pause_s=0.0)


def url(server: Server, path: str = "/w", extra: str = "") -> str:
    return f'kind = "url"\nurl = "{server.url(path)}"\nmax_bytes = 1_000_000\n{extra}'


def zoo_of(cards: CardFolder, tmp_path: Path, mirror: str | Path | None = None) -> Zoo:
    return Zoo(cache_dir=tmp_path / "cache", cards_dir=cards.path, mirror=mirror, downloader=QUICK)


def check_network(zoo: Zoo) -> None:
    """The tiny network gives the mean of each plane in BGR, less the mean, over the scale."""
    picture = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    (output,) = zoo.open("tiny").run(picture)
    wanted = (picture[..., ::-1].mean((1, 2)) - [1.0, 2.0, 3.0]) / 2.0
    np.testing.assert_allclose(output, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("large_bytes", "asked", "threads"), [(10**9, None, 1), (1, None, 3), (10**9, 2, 2), (1, 2, 2)]
)
def test_only_a_large_network_has_threads_to_itself(  # noqa: PLR0917 - fixtures
    server: Server,
    cards: CardFolder,
    tmp_path: Path,
    tiny_onnx: bytes,
    monkeypatch: pytest.MonkeyPatch,
    large_bytes: int,
    asked: int | None,
    threads: int,
) -> None:
    given: list[int] = []

    def opened(graph: bytes, **options: object) -> None:
        given.append(options["threads"])  # type: ignore[arg-type]

    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    zoo = Zoo(cache_dir=tmp_path / "cache", cards_dir=cards.path, downloader=QUICK, threads=3)
    zoo.pull(["tiny"])
    monkeypatch.setattr("facekey.zoo.zoo.LARGE_BYTES", large_bytes)
    monkeypatch.setattr("facekey.zoo.zoo.OnnxSession", opened)
    zoo.open("tiny", threads=asked)
    assert given == [threads]


def test_pull_then_open(server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes) -> None:
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    zoo = zoo_of(cards, tmp_path)
    assert not (tmp_path / "cache").exists()
    assert zoo.status("tiny").reason == "not pulled yet"
    with pytest.raises(ModelUnavailable, match="facekey models pull tiny"):
        zoo.open("tiny")

    (result,) = zoo.pull(["tiny"])
    assert result.installed
    check_network(zoo)
    session = zoo.open("tiny")
    assert session.model_id == f"tiny:{hashlib.sha256(tiny_onnx).hexdigest()[:12]}"
    assert [(port.name, port.shape) for port in session.outputs] == [("embedding", (None, 3))]
    assert not list((tmp_path / "cache").glob(".pull-*"))
    assert not list((tmp_path / "cache").rglob("*.part*"))

    # Once is enough: neither fetched nor converted again.
    before = (tmp_path / "cache/tiny/manifest.json").read_bytes()
    server.seen.clear()
    assert zoo.pull(["tiny"])[0].installed
    assert server.seen == []
    assert (tmp_path / "cache/tiny/manifest.json").read_bytes() == before


def test_sources_are_asked_in_order(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    server.pages["/lies"] = Page(b"x" * len(tiny_onnx))
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server, "/gone"), url(server, "/lies"), url(server))
    zoo = zoo_of(cards, tmp_path)
    assert zoo.pull(["tiny"])[0].installed
    assert json.loads((tmp_path / "cache/tiny/manifest.json").read_text())["source"] == server.url("/w")


def test_every_source_that_failed_is_named_in_one_line(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    server.pages["/lies"] = Page(b"x" * len(tiny_onnx))
    cards.write(tiny_onnx, url(server, "/gone"), url(server, "/lies"))
    zoo = zoo_of(cards, tmp_path, mirror=tmp_path / "nowhere")
    (result,) = zoo.pull(["tiny"])
    assert result.reason is not None
    assert "\n" not in result.reason
    for part in (
        "mirror: the mirror",
        "/gone: the server answered 404",
        "/lies: tiny-published.onnx: expected",
    ):
        assert part in result.reason
    assert not list((tmp_path / "cache").rglob("*.onnx"))
    # A listing can still say so later.
    assert result.reason in str(zoo.status("tiny").reason)
    server.pages["/lies"] = Page(tiny_onnx)
    assert zoo.pull(["tiny"])[0].installed


def test_one_that_fails_doesnt_stop_the_others(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server, "/gone"), name="absent")
    cards.write(tiny_onnx, url(server))
    zoo = zoo_of(cards, tmp_path)
    assert [result.installed for result in zoo.pull(["absent", "tiny"])] == [False, True]
    with pytest.raises(ModelUnavailable, match="no such network"):
        zoo.pull(["tiny", "nonsense"])


def test_a_member_of_a_zip(server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../climbing.onnx", b"evil")
        archive.writestr("pack/w.onnx", tiny_onnx)
    server.pages["/w"] = Page(buffer.getvalue())
    cards.write(tiny_onnx, url(server, extra='members = ["w.onnx", "pack/w.onnx"]'))
    zoo = zoo_of(cards, tmp_path)
    assert zoo.pull(["tiny"])[0].installed
    check_network(zoo)
    assert not list(tmp_path.rglob("climbing*"))


@pytest.mark.parametrize("file", ["published/tiny-published.onnx", "tiny.onnx"])
def test_a_cache_that_was_changed_is_noticed_and_mended(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes, file: str
) -> None:
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    zoo = zoo_of(cards, tmp_path)
    zoo.pull(["tiny"])
    assert zoo.verify(["tiny"])[0].installed
    path = tmp_path / "cache/tiny" / file
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert "changed; pull again" in str(zoo.verify(["tiny"])[0].reason)
    if file == "tiny.onnx":
        with pytest.raises(HashMismatch):
            zoo.open("tiny")
    assert zoo.pull(["tiny"])[0].installed
    assert zoo.verify(["tiny"])[0].installed
    check_network(zoo)


def test_a_newer_converter_makes_the_graph_again_without_a_network(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    zoo = zoo_of(cards, tmp_path)
    zoo.pull(["tiny"])
    server.pages.clear()
    monkeypatch.setattr(recipe, "CONVERTER_VERSION", 10_000)
    assert zoo.status("tiny").reason == "fetched, not converted yet"
    check_network(zoo)
    assert zoo.status("tiny").installed


@pytest.mark.parametrize("broken", ["", "{}", "[1]", '{"weights_sha256": 1}', "\x00"])
def test_a_broken_manifest_counts_as_none(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes, broken: str
) -> None:
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    zoo = zoo_of(cards, tmp_path)
    zoo.pull(["tiny"])
    (tmp_path / "cache/tiny/manifest.json").write_text(broken)
    assert not zoo.status("tiny").installed
    check_network(zoo)


def _pull_in_another_process(cache: Path, cards: Path) -> bool:
    return Zoo(cache_dir=cache, cards_dir=cards).pull(["tiny"])[0].installed


def test_two_processes_pull_at_once(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    server.pages["/w"] = Page(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        arguments = [(tmp_path / "cache", cards.path)] * 2
        assert pool.starmap(_pull_in_another_process, arguments) == [True, True]
    assert len(server.seen) == 1
    zoo = zoo_of(cards, tmp_path)
    assert zoo.verify(["tiny"])[0].installed
    check_network(zoo)


@pytest.mark.parametrize("name", ["tiny-published.onnx", "tiny.onnx", "tiny/published/tiny-published.onnx"])
def test_a_mirror_is_asked_first(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes, name: str
) -> None:
    mirror = tmp_path / "mirror"
    (mirror / name).parent.mkdir(parents=True)
    (mirror / name).write_bytes(tiny_onnx)
    cards.write(tiny_onnx, url(server))
    zoo = zoo_of(cards, tmp_path, mirror=mirror.as_uri())
    assert zoo.pull(["tiny"])[0].installed
    assert server.seen == []
    check_network(zoo)


def test_a_mirror_with_other_bytes_is_not_believed(
    server: Server, cards: CardFolder, tmp_path: Path, tiny_onnx: bytes
) -> None:
    (tmp_path / "tiny.onnx").write_bytes(b"x" * len(tiny_onnx))
    cards.write(tiny_onnx, url(server, "/gone"))
    (result,) = zoo_of(cards, tmp_path, mirror=tmp_path).pull(["tiny"])
    assert "mirror: tiny.onnx: expected sha256" in str(result.reason)
    (result,) = zoo_of(cards, tmp_path, mirror="https://127.0.0.1/").pull(["tiny"])
    assert "not https://127.0.0.1/" in str(result.reason)


def test_weights_that_come_with_the_cards(cards: CardFolder, tmp_path: Path, tiny_onnx: bytes) -> None:
    cards.write(tiny_onnx, 'kind = "shipped"\npath = "weights/tiny.onnx"')
    (cards.path / "weights").mkdir()
    (cards.path / "weights/tiny.onnx").write_bytes(tiny_onnx)
    zoo = zoo_of(cards, tmp_path)
    assert zoo.pull(zoo.names("default"))[0].installed
    check_network(zoo)


def test_export(cards: CardFolder, tmp_path: Path, tiny_onnx: bytes) -> None:
    cards.write(tiny_onnx, 'kind = "shipped"\npath = "tiny.onnx"')
    (cards.path / "tiny.onnx").write_bytes(tiny_onnx)
    zoo = zoo_of(cards, tmp_path)
    zoo.pull(["tiny"])
    graph, card, digest = zoo.export("tiny", tmp_path / "out")
    assert digest.read_text() == f"{hashlib.sha256(graph.read_bytes()).hexdigest()}  tiny.onnx\n"
    assert card.read_bytes() == (cards.path / "tiny.toml").read_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [("shape = [3]", "shape = [4]"), ("size = [4, 4]", "size = [5, 5]"), ("shape = [3]", "shape = [3, 0]")],
)
def test_a_network_that_is_not_what_its_card_says(
    cards: CardFolder, tmp_path: Path, tiny_onnx: bytes, old: str, new: str
) -> None:
    cards.write(tiny_onnx, 'kind = "shipped"\npath = "tiny.onnx"')
    (cards.path / "tiny.onnx").write_bytes(tiny_onnx)
    card = cards.path / "tiny.toml"
    card.write_text(card.read_text().replace(old, new))
    (result,) = zoo_of(cards, tmp_path).pull(["tiny"])
    assert "the card says" in str(result.reason)


def test_what_is_no_network_is_not_converted(cards: CardFolder, tmp_path: Path) -> None:
    cards.write(b"garbage", 'kind = "shipped"\npath = "tiny.onnx"')
    (cards.path / "tiny.onnx").write_bytes(b"garbage")
    zoo = zoo_of(cards, tmp_path)
    assert "not an ONNX file" in str(zoo.pull(["tiny"])[0].reason)
    with pytest.raises(ConversionError):
        zoo.open("tiny")


def test_a_complete_cache_needs_no_writing(cards: CardFolder, tmp_path: Path, tiny_onnx: bytes) -> None:
    cards.write(tiny_onnx, 'kind = "shipped"\npath = "tiny.onnx"')
    (cards.path / "tiny.onnx").write_bytes(tiny_onnx)
    zoo = zoo_of(cards, tmp_path)
    zoo.pull(["tiny"])
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    assert zoo.pull(["tiny"])[0].installed
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == times


def test_other_users_may_read_what_one_pulled(cards: CardFolder, tmp_path: Path, tiny_onnx: bytes) -> None:
    cards.write(tiny_onnx, 'kind = "shipped"\npath = "tiny.onnx"')
    (cards.path / "tiny.onnx").write_bytes(tiny_onnx)
    zoo_of(cards, tmp_path).pull(["tiny"])
    (tmp_path / "ordinary").touch()
    ordinary = (tmp_path / "ordinary").stat().st_mode
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode == ordinary, path
