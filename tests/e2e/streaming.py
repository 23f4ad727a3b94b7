"""A client of the live stream, with an actor before its camera."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from facekey.core.challenge import Action
from tests.actor import Actor

FINAL = ("authenticated", "rejected", "spoof_detected", "expired")
FRAME_S = 1 / 12
PATIENCE_S = 45.0

Status = dict[str, Any]


@dataclass
class Played:
    """What a session gave.

    Attributes:
        statuses: in order.
        sent: the frames.
        code: with which the socket was closed.
    """

    statuses: list[Status] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    code: int | None = None

    @property
    def final(self) -> Status:
        return next(status for status in self.statuses if status["status"] in FINAL)

    @property
    def actions(self) -> list[str]:
        return [status["action"] for status in self.statuses if status["status"] == "challenge"]

    @property
    def errors(self) -> list[str]:
        return [status["code"] for status in self.statuses if status["status"] == "error"]


def stream_url(url: str, client_id: str = "test") -> str:
    return f"{url.replace('http', 'ws', 1)}/ws/{client_id}"


def new_session() -> str:
    return uuid.uuid4().hex


def frame_message(image: bytes, user_id: str, session_id: str, **more: object) -> str:
    frame = base64.b64encode(image).decode()
    return json.dumps({"type": "frame", "user_id": user_id, "session_id": session_id, "frame": frame, **more})


def start_message(user_id: str, session_id: str) -> str:
    return json.dumps({"type": "start", "user_id": user_id, "session_id": session_id})


async def play(
    url: str,
    user_id: str,
    actor: Actor,
    *,
    binary: bool = True,
    camera: Callable[[bytes, int], bytes] | None = None,
) -> Played:
    """Let the actor face the service until it decides."""
    played, session_id = Played(), new_session()
    async with connect(stream_url(url), max_size=None) as socket:
        if binary:
            await socket.send(start_message(user_id, session_id))
        listening = asyncio.create_task(_listen(socket, played, actor))
        deadline_s = time.monotonic() + PATIENCE_S
        try:
            while not listening.done():
                assert time.monotonic() < deadline_s, played.statuses[-5:]
                image = await asyncio.to_thread(actor.frame, time.monotonic())
                if camera is not None:
                    image = camera(image, len(played.sent))
                played.sent.append(image)
                await socket.send(image if binary else frame_message(image, user_id, session_id))
                await asyncio.sleep(FRAME_S)
        except ConnectionClosed:
            pass
        await listening
    return played


async def _listen(socket: ClientConnection, played: Played, actor: Actor) -> None:
    try:
        async for text in socket:
            status = json.loads(text)
            played.statuses.append(status)
            if status["status"] == "challenge":
                actor.told(Action(status["action"]), time.monotonic())
    except ConnectionClosed:
        pass
    played.code = socket.close_code


def replies(url: str, *messages: str | bytes, client_id: str = "test", patience_s: float = 20.0) -> Played:
    """Send these messages and collect what comes until the socket is closed or silent."""
    return asyncio.run(_replies(url, messages, client_id, patience_s))


async def _replies(url: str, messages: tuple[str | bytes, ...], client_id: str, patience_s: float) -> Played:
    played = Played()
    async with connect(stream_url(url, client_id), max_size=None) as socket:
        try:
            for message in messages:
                await socket.send(message)
            async with asyncio.timeout(patience_s):
                async for text in socket:
                    played.statuses.append(json.loads(text))
        except (ConnectionClosed, TimeoutError):
            pass
    played.code = socket.close_code
    return played
