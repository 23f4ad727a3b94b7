"""A web server that can misbehave, and a network small enough to be written down."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from facekey.zoo.convert.graph import Graph


@dataclass
class Page:
    """How one path behaves."""

    body: bytes
    etag: str = '"one"'
    ranges: bool = True
    cut_at: list[int] = field(default_factory=list)  # one entry for each answer that breaks off
    stall_after: int | None = None
    redirect: str = ""
    length: bool = True
    claim_bytes: int | None = None
    status: int = 200


class Server:
    """A real server on loopback; `seen` has the Range header of each request, empty when there was none."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[str] = []
        self.released = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                owner.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.seen.append(asked)
        request.close_connection = True
        page = self.pages.get(request.path, Page(b"", status=404))
        if page.redirect:
            request.send_response(302)
            request.send_header("Location", page.redirect)
            request.send_header("Content-Length", "0")
            request.send_header("Connection", "close")
            request.end_headers()
            return
        resumed = page.ranges and asked and request.headers.get("If-Range") == page.etag
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if resumed else 0
        body = page.body[start:]
        request.send_response(206 if resumed else page.status)
        if resumed:
            request.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        if page.etag:
            request.send_header("ETag", page.etag)
        if page.length:
            request.send_header("Content-Length", str(page.claim_bytes or len(body)))
        request.send_header("Connection", "close")
        request.end_headers()
        if page.cut_at:
            body = body[: page.cut_at.pop(0)]
        try:
            if page.stall_after is not None:
                request.wfile.write(body[: page.stall_after])
                request.wfile.flush()
                self.released.wait(30)
                return
            request.wfile.write(body)
        except OSError:
            pass  # the client hung up, as some tests want


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def tiny_onnx() -> bytes:
    """(N, 3, 4, 4) float32 to the mean of each plane, (N, 3)."""
    graph = Graph("tiny")
    kernel = graph.weight(np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1))
    planes = graph.node("Conv", "x", kernel)
    graph.node("Flatten", graph.node("GlobalAveragePool", planes), output="y", axis=1)
    model = graph.model(inputs={"x": ("n", 3, 4, 4)}, outputs={"y": ("n", 3)})
    content: bytes = model.SerializeToString()
    return content


@dataclass
class CardFolder:
    """A folder of cards that a test writes."""

    path: Path

    def write(
        self, weights: bytes, *sources: str, name: str = "tiny", pack: str = "default", extra: str = ""
    ) -> None:
        tables = "\n".join(f"[[sources]]\n{source}\n" for source in sources)
        self.path.mkdir(exist_ok=True)
        (self.path / f"{name}.toml").write_text(
            f"""
name = "{name}"
title = "A tiny network"
task = "embed"
pack = "{pack}"
paper = "none"
origin = "a test"
licence = "MIT"
figures = []
[weights]
file = "{name}-published.onnx"
format = "onnx"
sha256 = "{hashlib.sha256(weights).hexdigest()}"
max_bytes = {len(weights)}
{tables}
[input]
size = [4, 4]
colours = "BGR"
mean = [1.0, 2.0, 3.0]
scale = 2.0
[[outputs]]
name = "embedding"
shape = [3]
meaning = "mean of each plane"
{extra}
"""
        )


@pytest.fixture
def cards(tmp_path: Path) -> CardFolder:
    return CardFolder(tmp_path / "cards")
