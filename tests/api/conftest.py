"""The real application on a real database, with the real networks and real faces."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager

from facekey.api.app import create_app
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.wiring.service import open_service
from facekey.zoo.zoo import Zoo

Answer = httpx.Response


@pytest.fixture
def settings(tmp_path: Path, zoo: Zoo) -> Settings:
    return Settings(
        _env_file=None,
        ENCRYPTION_KEY=EncryptionKey.generate().written(),
        DATABASE_URL=f"sqlite:///{tmp_path}/facekey.db",
    )


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(open_service(settings), max_image_bytes=settings.max_image_bytes)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234), raise_app_exceptions=False)
    async with (
        LifespanManager(app, startup_timeout=60),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as opened,
    ):
        yield opened


Register = Callable[[httpx.AsyncClient, str, list[bytes]], Answer]


async def register(client: httpx.AsyncClient, user_id: str, images: list[bytes]) -> Answer:
    files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(images)]
    return await client.post("/api/v1/register", data={"user_id": user_id}, files=files)


async def authenticate(client: httpx.AsyncClient, user_id: str, image: bytes) -> Answer:
    return await client.post("/api/v1/authenticate", data={"user_id": user_id}, files={"image": image})


async def identify(client: httpx.AsyncClient, image: bytes, **form: str) -> Answer:
    return await client.post("/api/v1/identify", data=form, files={"image": image})


def problem(answer: Answer, status: int, code: str) -> dict[str, object]:
    """The body of a problem, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:facekey:problem:{code}"
    assert body["detail"]
    return body
