"""A stand-in of an upstream network: pulled, run in shadow, measured, promoted, rolled back."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from asgi_lifespan import LifespanManager
from typer.testing import CliRunner, Result

from facekey.api.app import create_app
from facekey.cli.exits import Exit
from facekey.cli.main import app as command_line
from facekey.core.types import Crop
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.vision.embed.arcface import CROP_PX, arcface_embedder
from facekey.wiring.records import open_audit_trail
from facekey.wiring.service import open_service
from facekey.wiring.vision import EMBEDDERS
from facekey.zoo import zoo as zoo_module
from facekey.zoo.cards import load_card, load_cards
from facekey.zoo.zoo import Zoo, default_cards_dir
from tests.api.conftest import authenticate, register
from tests.photos import Photos
from tests.unit.zoo.conftest import Page, Server
from tests.unit.zoo.stand_ins import stand_in, write_card
from training.calibrate import calibrate, write_calibration, write_population

NAME = "arcface_r50"
PEOPLE, PHOTOS_EACH = 400, 3


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """The product's cards; that of one optional network is the stand-in's."""
    theirs, mine = default_cards_dir(), tmp_path / "models"
    (mine / "weights").mkdir(parents=True)
    for path in theirs.glob("*.toml"):
        (mine / path.name).write_bytes(path.read_bytes())
    for path in (theirs / "weights").iterdir():
        (mine / "weights" / path.name).symlink_to(path)
    content = stand_in(load_card(theirs / f"{NAME}.toml"))
    write_card(load_card(theirs / f"{NAME}.toml"), mine, content, url=server.url("/w600k_r50.onnx"))
    server.pages["/w600k_r50.onnx"] = Page(content)
    monkeypatch.setattr(zoo_module, "_REPOSITORY_CARDS", mine)
    return mine


@pytest.fixture
def settings(tmp_path: Path, zoo: Zoo, cards: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in zoo.names("default"):
        (cache / name).symlink_to(zoo.published(name).parents[1])
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("ENCRYPTION_KEY", EncryptionKey.generate().written()),
        ("DATABASE_URL", f"sqlite:///{tmp_path}/facekey.db"),
        ("FACEKEY_MODELS_DIR", str(cache)),
        ("COLUMNS", "300"),
    ):
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


async def facekey(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, command_line, ["models", *arguments])


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(open_service(settings), max_image_bytes=settings.max_image_bytes)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234), raise_app_exceptions=False)
    async with (
        LifespanManager(app, startup_timeout=120, shutdown_timeout=60),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield client


async def figures(client: httpx.AsyncClient, *, compared: int) -> dict[str, float]:
    """What the network in shadow counted, once it has had so many decisions."""
    while True:
        lines = (await client.get("/metrics")).text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("facekey_shadow_"))
        found = {name: float(value) for name, value in pairs}
        done = sum(value for name, value in found.items() if name.startswith("facekey_shadow_compared_total"))
        done += sum(value for name, value in found.items() if name.startswith("facekey_shadow_dropped_total"))
        if done >= compared:
            return found
        await asyncio.sleep(0.05)


def agreed(found: dict[str, float], agreement: str) -> float:
    return found[f'facekey_shadow_compared_total{{agreement="{agreement}",network="{NAME}"}}']


async def listed(client: httpx.AsyncClient) -> dict[str, object]:
    info = (await client.get("/api/v1/system/info")).json()
    (found,) = [one for one in info["models"] if one["name"] == NAME]
    return dict(found)


async def similarities(client: httpx.AsyncClient, photo: bytes) -> set[str]:
    body = (await authenticate(client, "john_doe", photo)).json()
    assert body["authenticated"] is True, body
    return set(body["similarities"])


def measure(cards: Path, settings: Settings) -> None:
    """As training/calibrate.py does, on people who are made up."""
    rng = np.random.default_rng(3)
    embedder = arcface_embedder(Zoo(cache_dir=settings.models_dir, cards_dir=cards).open(NAME))
    vectors, people = [], []
    for person in range(PEOPLE):
        face = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        for _ in range(PHOTOS_EACH):
            noisy = np.clip(face + rng.normal(0, 20, face.shape), 0, 255).astype(np.uint8)
            pixels = noisy.repeat(CROP_PX // 7, axis=0).repeat(CROP_PX // 7, axis=1)
            vectors.append(
                embedder.embed([Crop(pixels, "identity", np.eye(2, 3, dtype=np.float32))])[0].vector
            )
            people.append(person)
    whole, of = np.stack(vectors), np.array(people)
    strangers = np.triu(of[:, None] != of[None, :], 1)
    write_calibration(cards / f"{NAME}.toml", calibrate((whole @ whole.T)[strangers], "made up"), ("1e-3",))
    write_population(cards / "weights" / f"{NAME}-population.npy", whole, of)


def deciding(cards: Path) -> set[str]:
    """The networks of the default pack that decide."""
    every = load_cards(cards).values()
    return {
        card.name for card in every if card.name in EMBEDDERS and card.calibration and card.pack == "default"
    }


def instead_of(names: set[str]) -> list[str]:
    return [part for name in sorted(names) for part in ("--instead-of", name)]


async def test_from_upstream_to_a_decision_and_back(settings: Settings, cards: Path, photos: Photos) -> None:
    default = deciding(cards)
    refused = await facekey("promote", NAME)
    assert refused.exit_code == Exit.NO
    assert "not pulled yet" in refused.output or "no calibration" in refused.output
    assert (await facekey("pull", NAME)).exit_code == 0

    # In shadow, not measured yet: it sees, and nobody hears.
    assert (await facekey("shadow", NAME)).exit_code == 0
    async with started(settings) as client:
        assert (await register(client, "john_doe", photos.enrolment())).status_code == 200
        assert await similarities(client, photos.obama) == {*default, "fusion"}
        found = await figures(client, compared=1)
        assert agreed(found, "unknown") == 1
        assert found[f'facekey_shadow_score_count{{live_said="yes",network="{NAME}"}}'] == 1
        info = await listed(client)
        assert (info["installed"], info["in_use"]) == (True, False)
        assert "in shadow" in str(info["note"])
    refused = await facekey("promote", NAME)
    assert refused.exit_code == Exit.NO
    assert "no calibration" in refused.output

    # Measured, it is held against what is decided.
    measure(cards, settings)
    async with started(settings) as client:
        assert await similarities(client, photos.obama) == {*default, "fusion"}
        assert agreed(await figures(client, compared=1), "both_yes") == 1
        stranger = (await authenticate(client, "john_doe", photos.biden)).json()
        assert stranger["reason"] == "no_match"
        await authenticate(client, "nobody_of_that_id", photos.biden)
        found = await figures(client, compared=3)
        assert agreed(found, "unknown") == 0

    # In the place of those that decided: the person has references by it since their enrolment.
    promoted = await facekey("promote", NAME, *instead_of(default))
    assert promoted.exit_code == 0, promoted.output
    assert f"deciding: {NAME}" in promoted.output
    async with started(settings) as client:
        assert await similarities(client, photos.obama) == {NAME, "fusion"}
        assert (await listed(client))["in_use"] is True

    # And back; the same once more finds nothing to undo.
    assert (await facekey("rollback")).exit_code == 0
    shown = await facekey("deciding")
    assert f"in shadow: {NAME}" in shown.output
    assert NAME not in shown.output.splitlines()[0]
    async with started(settings) as client:
        assert await similarities(client, photos.obama) == {*default, "fusion"}
    assert (await facekey("rollback")).exit_code == Exit.NO

    async with open_audit_trail(settings) as trail:
        told = [json.loads(record.body) async for record in trail.records()]
    outcomes = [one["outcome"] for one in told if one["action"] == "networks_choose"]
    assert outcomes == ["shadowed", "promoted", "rolled_back"]


async def test_a_network_in_shadow_that_is_gone_stops_nothing_one_that_decides_does(
    settings: Settings, cards: Path, photos: Photos
) -> None:
    assert (await facekey("pull", NAME)).exit_code == 0
    assert (await facekey("shadow", NAME)).exit_code == 0
    graph = settings.models_dir / NAME / f"{NAME}.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[:-9])
    async with started(settings) as client:
        assert (await register(client, "john_doe", photos.enrolment())).status_code == 200
        assert "facekey_shadow_compared_total" not in (await client.get("/metrics")).text
    graph.write_bytes(content)
    measure(cards, settings)
    # Nobody has references by it: john_doe would not be recognised any more.
    refused = await facekey("promote", NAME, *instead_of(deciding(cards) - {NAME}))
    assert refused.exit_code == Exit.NO
    assert "1 enrolled person would not be recognised any more" in refused.output
    assert (await facekey("promote", NAME)).exit_code == 0
    graph.unlink()
    (settings.models_dir / NAME / "manifest.json").unlink()
    with pytest.raises(Exception, match="was chosen to decide"):
        async with started(settings):
            pass
