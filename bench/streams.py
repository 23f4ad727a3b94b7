"""How many frames a second live streams are answered, with 1 to 64 clients over WebSocket.

Protocol: `facekey serve` in a process of its own on this machine, which the clients share; each
client is one WebSocket that sends a frame (640 x 480 JPEG, of a real clip with --data, otherwise
the public photo swaying) and the next one when that was answered, so that none is dropped. A
session that ends is followed by the next one. Every frame goes through detection, mesh, quality,
all liveness networks, embedding and the eyes. Times are from sending a frame to its answer.
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.host import describe
from bench.results import Column, Figure, Result, Table
from bench.server import Server
from bench.stream import encoded, frames_of, kiosks, somebody

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
WARM_S, SECONDS = 2.0, 6.0
ANSWER_S = 20.0
STREAMS = 16
"""So many streams of frames are made beforehand; more clients share them at other places."""
ENVIRONMENT = {"FACEKEY_STREAM_CONNECTIONS": "128", "FACEKEY_STREAM_FRAMES_PER_SECOND": "120"}


@dataclass
class Seen:
    """What the clients saw.

    Attributes:
        seconds: from sending a frame to its answer.
        ended: sessions that were decided or refused.
    """

    seconds: list[float] = field(default_factory=list)
    ended: int = 0


def main(data: Path | None) -> Result:
    """Measure and print."""
    print(__doc__)
    name, pictures = frames_of(data)
    print(f"machine: {describe()}; frames: {name}; {SECONDS:g} s for each number of clients")
    rows = []
    for clients in CLIENTS:
        # A fresh service each time: frames that an earlier session showed are taken for replays.
        with TemporaryDirectory() as folder, kiosks(Path(folder), **ENVIRONMENT) as (server, key):
            streams = encoded(pictures, min(clients, STREAMS))
            seen, took_s = asyncio.run(_run(server, key, streams, clients))
        p50, p99 = (1000 * float(np.quantile(seen.seconds, q)) for q in (0.5, 0.99))
        rate = len(seen.seconds) / took_s
        rows.append((float(clients), rate, p50, p99, float(seen.ended)))
        print(f"{clients:2} clients: {rate:5.1f} frames a second, answered after {p50:.0f} ms, p99 {p99:.0f}")
    columns = (
        Column("clients", digits=0),
        Column("frames a second", "1/s", bars=True),
        Column("p50", "ms", 0),
        Column("p99", "ms", 0),
        Column("sessions ended", digits=0),
    )
    best = max(row[1] for row in rows)
    figure = Figure("frames_a_second", "frames of live streams looked at, at best", best, "1/s")
    return Result((figure,), (Table("websocket", "Live streams, facekey serve", columns, tuple(rows)),))


async def _run(server: Server, key: str, streams: list[Iterator[bytes]], clients: int) -> tuple[Seen, float]:
    seen = Seen()
    began = time.monotonic() + WARM_S
    until_s = began + SECONDS
    tasks = [
        _client(server, key, streams[number % len(streams)], number, (began, until_s), seen)
        for number in range(clients)
    ]
    await asyncio.gather(*tasks)
    return seen, time.monotonic() - began


async def _client(  # noqa: PLR0917 - what a client is of
    server: Server, key: str, frames: Iterator[bytes], number: int, counted_s: tuple[float, float], seen: Seen
) -> None:
    """One session after the other until the time is over."""
    address = f"{server.url.replace('http', 'ws', 1)}/ws/bench-{number}"
    began, until_s = counted_s
    while time.monotonic() < until_s:
        start = somebody(key)
        async with connect(address, compression=None) as socket:
            try:
                place = 0
                while time.monotonic() < until_s:
                    frame = base64.b64encode(next(frames)).decode()
                    sent = time.monotonic()
                    await socket.send(json.dumps({**start, "type": "frame", "frame": frame, "number": place}))
                    over = await _answered(socket, place)
                    if time.monotonic() >= began:
                        seen.seconds.append(time.monotonic() - sent)
                    place += 1
                    if over:
                        break
            except ConnectionClosed:
                pass
        seen.ended += 1


async def _answered(socket: ClientConnection, number: int) -> bool:
    """Wait for what is said of a frame; whether the session is over with it.

    Raises:
        RuntimeError: the service says that something was wrong with the frame.
    """
    while True:
        status = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_S))
        if status["status"] == "error":
            raise RuntimeError(f"{status['code']}: {status['detail']}")
        if "authenticated" in status or status["status"] == "expired":
            return True
        if status.get("frame") == number:
            return False
