"""WebSockets straight into an ASGI application: any message, any client, no server that mends them."""

import asyncio
import base64
import json
from typing import Any, Self

from fastapi import FastAPI
from starlette.types import Message, Scope

from tests.unit.api.requests import LOCAL

Status = dict[str, Any]
PATIENCE_S = 5.0


def start(user_id: str = "alice", session_id: str = "session") -> str:
    return json.dumps({"type": "start", "user_id": user_id, "session_id": session_id})


def frame(image: bytes, user_id: str = "alice", session_id: str = "session", **more: object) -> str:
    told = {"type": "frame", "user_id": user_id, "session_id": session_id, **more}
    return json.dumps({"frame": base64.b64encode(image).decode(), **told})


class Socket:
    """The client's end of one WebSocket."""

    def __init__(self, app: FastAPI, client_id: str = "kiosk", *, reads: bool = True) -> None:
        self.statuses: list[Status] = []
        self.code: int | None = None
        self._reads = reads
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._news = asyncio.Event()
        self.served = asyncio.create_task(app(_scope(client_id), self._to_app.get, self._take))
        self.served.add_done_callback(lambda _: self._news.set())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.served.done():
            self.leave()
        await asyncio.wait_for(self.served, PATIENCE_S)

    def say(self, message: str | bytes) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        self._to_app.put_nowait({"type": "websocket.receive", kind: message})

    def leave(self, code: int = 1006) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": code})

    async def hear(self, status: str) -> Status:
        """Wait until this is said."""
        seen = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for told in self.statuses[seen:]:
                    if told["status"] == status:
                        return told
                seen = len(self.statuses)
                assert self.code is None, (self.code, self.statuses)
                self._news.clear()
                await self._news.wait()

    async def answer(self, message: str | bytes) -> None:
        """Say something, and wait until anything is said to it."""
        before = len(self.statuses)
        self.say(message)
        async with asyncio.timeout(PATIENCE_S):
            while len(self.statuses) == before and not self.served.done():
                self._news.clear()
                await self._news.wait()

    async def fatal(self) -> tuple[str, int]:
        """Wait for the end; the error's code and the close code."""
        await asyncio.wait_for(asyncio.shield(self.served), PATIENCE_S)
        error = self.statuses[-1]
        assert (error["status"], error["fatal"]) == ("error", True)
        assert error["detail"]
        assert self.code is not None
        return error["code"], self.code

    async def _take(self, message: Message) -> None:
        if not self._reads and message["type"] != "websocket.accept":
            await asyncio.Event().wait()  # the network's buffers are full
        if message["type"] == "websocket.send":
            self.statuses.append(json.loads(message["text"]))
        if message["type"] == "websocket.close":
            self.code = message["code"]
        self._news.set()


def _scope(client_id: str) -> Scope:
    path = f"/ws/{client_id}"
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in LOCAL],
        "client": ("127.0.0.1", 1234),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
    }
