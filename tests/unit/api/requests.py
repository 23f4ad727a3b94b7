"""Requests straight into an ASGI application: any header, any body, no server that mends them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = (("host", "localhost:8000"),)
FORM = (*LOCAL, ("content-type", "multipart/form-data; boundary=x"))
DISCONNECT = b"the client goes away"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code, after a look at its form."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        told = json.loads(self.body)
        assert (told["status"], told["type"]) == (self.status, f"urn:facekey:problem:{told['code']}")
        assert told["detail"]
        return str(told["code"])


async def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    *,
    headers: Sequence[tuple[str, str]] = LOCAL,
    body: Iterable[bytes] = (),
    ends: bool = True,
    pause_s: float = 0.0,
    query: bytes = b"",
    client: tuple[str, int] | None = ("127.0.0.1", 1234),
) -> Answer:
    """Send one request.

    Args:
        ends: whether the last part of the body is marked as such; otherwise the client
            goes on being silent.
        pause_s: wait before each part.
    """
    messages = _messages(list(body) or [b""], ends, pause_s)
    sent: list[Message] = []

    async def receive() -> Message:
        return await anext(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope(method, path, headers, query, client), receive, send)
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(part["body"] for part in rest),
    )


def scope(
    method: str = "GET",
    path: str = "/",
    headers: Sequence[tuple[str, str]] = LOCAL,
    query: bytes = b"",
    client: tuple[str, int] | None = ("127.0.0.1", 1234),
) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": client,
        "server": ("127.0.0.1", 8000),
    }


def form(*parts: tuple[str, str | bytes]) -> bytes:
    """A multipart body; bytes become files."""
    written = b""
    for name, value in parts:
        file = '; filename="a.jpg"' if isinstance(value, bytes) else ""
        data = value if isinstance(value, bytes) else value.encode()
        written += f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        written += data + b"\r\n"
    return written + b"--x--\r\n"


async def swallow(_: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the body and says how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def _messages(body: list[bytes], ends: bool, pause_s: float) -> AsyncIterator[Message]:
    for place, part in enumerate(body):
        await asyncio.sleep(pause_s)
        if part is DISCONNECT:
            break
        last = ends and place == len(body) - 1
        yield {"type": "http.request", "body": part, "more_body": not last}
    else:
        if not ends:
            await asyncio.Event().wait()
    yield {"type": "http.disconnect"}
