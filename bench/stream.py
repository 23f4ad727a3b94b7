"""How many frames a second the live stream looks at, and whether anything grows under load.

Protocol: `facekey serve` in a process of its own; clients in this one, each over a real
WebSocket on loopback. The frames are a real clip (`pad_video/*/live.*` of --data; without it
a drawn sway of the public photo), scaled to 640 x 480 and encoded as JPEG before the
clock starts. Every client sends 25 frames a second, as a webcam does; a session that was
decided is followed by the next. Each session's frames are shifted and lit a little
differently, because frames that were seen before are refused. A frame counts when the
service answered it; what it dropped because a newer one had come is counted apart.

First one client, then eight for `FACEKEY_BENCH_SECONDS` (20; 300 for the full run). The
queue of a connection is one frame by construction; what is checked is that answers don't
get older (the time from sending a frame to its answer) and that the service's resident
memory doesn't rise from the second quarter of the run to the last.
"""

import asyncio
import base64
import ipaddress
import itertools
import json
import os
import secrets
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.host import describe
from bench.photo import HEIGHT, JPEG_QUALITY, WIDTH, sample_photos
from bench.server import Server, deployment, facekey, running_server

SECONDS = float(os.environ.get("FACEKEY_BENCH_SECONDS", "20"))
SENT_FPS = 25.0
CLIENTS = 8
WARM_UP_S = 3.0
MOST_FRAMES = 150
FLAT_MB = 25.0
BENCHMARKS = int(ipaddress.IPv6Address("2001:2::"))  # RFC 5180: addresses for measurements

Picture = NDArray[np.uint8]


@dataclass
class Tally:
    """What the clients saw.

    Attributes:
        answers: (when, seconds from sending a frame to its answer).
        errors: by code.
    """

    answers: list[tuple[float, float]] = field(default_factory=list)
    sent: int = 0
    sessions: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


def main(data: Path | None) -> None:
    """Measure and print."""
    print(__doc__)
    print(f"machine: {describe()}; load before: {os.getloadavg()[0]:.2f}")
    name, pictures = frames_of(data)
    print(f"frames: {name}, {len(pictures)} frames")
    with TemporaryDirectory() as folder, kiosks(Path(folder)) as (server, key):
        for clients, seconds in ((1, min(SECONDS, 20.0)), (CLIENTS, SECONDS)):
            asyncio.run(_run(server, key, pictures, clients, WARM_UP_S))
            resident: list[float] = []
            tally = asyncio.run(_run(server, key, pictures, clients, seconds, resident))
            _report(tally, resident, clients, seconds)


@contextmanager
def kiosks(folder: Path, **more: str) -> Iterator[tuple[Server, str]]:
    """A service, and the key of an application that relays for many people at many addresses.

    Nobody of them is let in here, and failures would soon be met by the attempt limits.

    Args:
        folder: for its database.
        more: of its environment.
    """
    environment = {**deployment(folder), **more}
    key = facekey(environment, "api-keys", "add", "kiosks")
    with running_server(environment) as server:
        yield server, key


async def _run(  # noqa: PLR0917 - what a run is of
    server: Server,
    key: str,
    pictures: list[Picture],
    clients: int,
    seconds: float,
    resident: list[float] | None = None,
) -> Tally:
    tally = Tally()
    frames = await asyncio.to_thread(encoded, pictures, clients)
    until_s = time.monotonic() + seconds
    tasks = [_client(server, key, frames[number], number, until_s, tally) for number in range(clients)]
    watching = asyncio.create_task(_watch(server, resident)) if resident is not None else None
    await asyncio.gather(*tasks)
    if watching is not None:
        watching.cancel()
    return tally


async def _client(  # noqa: PLR0917 - as above
    server: Server, key: str, frames: Iterator[bytes], number: int, until_s: float, tally: Tally
) -> None:
    """One session after the other."""
    address = f"{server.url.replace('http', 'ws', 1)}/ws/bench-{number}"
    while time.monotonic() < until_s:
        sent: list[float] = []
        async with connect(address, compression=None) as socket:
            listening = asyncio.create_task(_listen(socket, sent, tally))
            start = somebody(key)
            try:
                while not listening.done() and time.monotonic() < until_s:
                    frame = base64.b64encode(next(frames)).decode()
                    told = {**start, "type": "frame", "frame": frame, "number": len(sent)}
                    sent.append(time.monotonic())
                    await socket.send(json.dumps(told))
                    tally.sent += 1
                    await asyncio.sleep(1 / SENT_FPS)
            except ConnectionClosed:
                pass
            await socket.close()
            await listening
        tally.sessions += 1


def somebody(key: str) -> dict[str, str]:
    """What a session begins with, of somebody at an address of their own."""
    session_id = uuid.uuid4().hex
    return {
        "user_id": f"bench-{session_id}",
        "session_id": session_id,
        "access_token": key,
        "client_address": str(ipaddress.IPv6Address(BENCHMARKS + secrets.randbits(80))),
    }


async def _listen(socket: object, sent: list[float], tally: Tally) -> None:
    async for text in socket:  # type: ignore[attr-defined]
        status = json.loads(text)
        now_s = time.monotonic()
        kind = status["status"]
        if kind == "error":
            tally.errors[status["code"]] = tally.errors.get(status["code"], 0) + 1
        elif "frame" in status:
            tally.answers.append((now_s, now_s - sent[status["frame"]]))
        if "authenticated" in status:
            end = f"{kind} ({status['reason']})"
            tally.ends[end] = tally.ends.get(end, 0) + 1


async def _watch(server: Server, resident: list[float]) -> None:
    while True:
        resident.append(server.resident_mb())
        await asyncio.sleep(0.5)


def _report(tally: Tally, resident: list[float], clients: int, seconds: float) -> None:
    rate = len(tally.answers) / seconds
    delays = [delay for _, delay in tally.answers]
    quarter = len(resident) // 4
    early, late = statistics.median(resident[quarter : 2 * quarter]), statistics.median(resident[-quarter:])
    half = len(delays) // 2
    print(f"\n{clients} client{'s' if clients > 1 else ''}, {seconds:g} s, {SENT_FPS:g} frames a second each")
    print(f"looked at: {rate:.1f} frames a second ({rate / clients:.1f} for each client); target 15 for one")
    print(f"sent {tally.sent}; the others were dropped for a newer one, or their session had ended")
    print(
        f"age of an answer: p50 {1000 * statistics.median(delays[:half]):.0f} ms in the first half, "
        f"{1000 * statistics.median(delays[half:]):.0f} ms in the second; worst {1000 * max(delays):.0f} ms"
    )
    flat = "flat" if late - early < FLAT_MB else "RISING"
    print(f"resident: {early:.0f} MB in the second quarter, {late:.0f} MB in the last: {flat}")
    print(f"sessions: {tally.sessions}; {tally.ends or 'none decided'}; errors: {tally.errors or 'none'}")


def frames_of(data: Path | None) -> tuple[str, list[Picture]]:
    """Frames of a real clip in which a face is seen, or the public photo."""
    clips = sorted(data.glob("pad_video/*/live.*")) if data is not None else []
    for clip in clips[:1]:
        video = cv2.VideoCapture(str(clip))
        pictures = []
        while len(pictures) < MOST_FRAMES:
            done, picture = video.read()
            if not done:
                break
            pictures.append(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
        if pictures:
            return f"pad_video/{clip.parent.name}/{clip.name}", pictures
    photo = cv2.imread(str(sample_photos()["obama.jpg"]))
    cut = photo[: min(photo.shape[0], photo.shape[1] * HEIGHT // WIDTH)]
    return "the public photo, swaying", [cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)] * 60


def encoded(pictures: list[Picture], clients: int) -> list[Iterator[bytes]]:
    """For each client the frames to and fro, moved and lit in a way of its own."""
    chance = np.random.default_rng()
    streams = []
    for _ in range(clients):
        scale, gain = chance.uniform(0.9, 1.1), chance.uniform(0.85, 1.1)
        right, down = chance.uniform(-40, 40), chance.uniform(-20, 20)
        frames = []
        for place, picture in enumerate([*pictures, *pictures[::-1]]):
            sway = 4 * np.sin(0.37 * place), 3 * np.sin(0.23 * place)
            move = np.array([[scale, 0, right + sway[0]], [0, scale, down + sway[1]]], np.float64)
            moved = cv2.warpAffine(picture, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101)
            lit = cv2.convertScaleAbs(moved, alpha=gain)
            done, data = cv2.imencode(".jpg", lit, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if done:
                frames.append(data.tobytes())
        streams.append(itertools.cycle(frames))
    return streams
