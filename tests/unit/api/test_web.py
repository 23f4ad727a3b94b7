"""Which file answers a browser, and what never is one."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from facekey.api.web import POLICY, WebApp, built

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built web app, and a secret beside it."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>app</title>")
    (dist / "icon.svg").write_text("<svg/>")
    (dist / "assets" / "index-abc.js").write_text("let app;" * 500)
    (tmp_path / "secret.txt").write_text("secret")
    (dist / "link.txt").symlink_to(tmp_path / "secret.txt")
    return dist


@pytest.fixture
def client(folder: Path) -> httpx.AsyncClient:
    """An API with the web app before it."""

    async def api(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"api {request.method}")

    app = Starlette(
        routes=[
            Route("/", api),
            Route("/api/v1/users", api),
            Mount("/static-offline-docs", PlainTextResponse("docs")),
        ],
        middleware=[Middleware(WebApp, folder=folder)],
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/people/john_doe", "/no/such/page"])
async def test_every_page_is_the_app(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=PAGE)
    assert (answer.status_code, answer.text) == (200, "<title>app</title>")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "camera=(self)" in answer.headers["Permissions-Policy"]


async def test_files_with_a_hash_in_their_name_are_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-abc.js")
    assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in answer.headers["Cache-Control"]
    again = await client.get("/icon.svg")
    assert again.headers["Cache-Control"] == "no-cache"
    unchanged = await client.get("/icon.svg", headers={"If-None-Match": again.headers["ETag"]})
    assert unchanged.status_code == 304


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/api/v1/users", "/api/nothing"])
async def test_what_belongs_to_the_api_stays_there(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, path, headers=PAGE)
    assert answer.status_code in {200, 404, 405}
    assert "<title>" not in answer.text


async def test_a_client_that_wants_no_page_gets_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/sign-in", headers={"Accept": "application/json"})).status_code == 404
    assert (await client.post("/sign-in", headers=PAGE)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/link.txt",
        "/a%00b",
        "/" + "x" * 5000,
    ],
)
async def test_nothing_outside_of_the_folder_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(httpx.URL("http://127.0.0.1").copy_with(raw_path=path.encode("latin-1")))
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_an_empty_folder_is_no_web_app(tmp_path: Path, folder: Path) -> None:
    assert (built(folder), built(tmp_path), built(tmp_path / "none")) == (True, False, False)
