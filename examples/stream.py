"""A reference client of the live stream: plays a video file, or a folder of pictures, to the service.

    make run                                                    # in one shell
    .venv/bin/python examples/stream.py clip.mp4 --user alice   # in another

It sends frames at the pace of the recording, shows how far it is and what the service
says, and ends with exit code 0 when the person was let in, 1 when not, 2 when something is
wrong. A recording can't know what it will be asked to do, so against a service with
challenges it is refused: that is what they are for.
"""

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
FINAL = frozenset({"authenticated", "rejected", "spoof_detected", "expired"})
JPEG_QUALITY = 85
LONG_SIDE_PX = 1280
ACCEPTED, REFUSED, BROKEN = 0, 1, 2

Status = dict[str, object]


@dataclass(frozen=True, slots=True)
class Recording:
    """What is played: encoded frames and their pace."""

    frames: list[bytes]
    fps: float


def main() -> None:
    """Play it and leave with the exit code."""
    given = _options()
    try:
        recording = read(given.recording, given.fps)
        sys.exit(asyncio.run(play(recording, given)))
    except (ValueError, OSError, InvalidStatus) as error:
        print(_cause(error, given.url), file=sys.stderr)
        sys.exit(BROKEN)


def read(path: Path, fps: float | None) -> Recording:
    """All frames, as JPEG files or as they are on disk.

    Raises:
        ValueError: there is no video and no picture there.
    """
    if path.is_dir():
        frames = [file.read_bytes() for file in sorted(path.iterdir()) if file.suffix.lower() in PICTURES]
        if not frames:
            raise ValueError(f"{path} holds no pictures")
        return Recording(frames, fps or 15.0)
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    video = cv2.VideoCapture(str(path))
    frames = list(_encoded(video))
    if not frames:
        raise ValueError(f"{path} is no video that OpenCV can read")
    return Recording(frames, fps or video.get(cv2.CAP_PROP_FPS) or 15.0)


async def play(recording: Recording, given: argparse.Namespace) -> int:
    """Send the frames and listen; the exit code."""
    address = f"{given.url.rstrip('/').replace('http', 'ws', 1)}/ws/{given.client}"
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with connect(address, compression=None) as socket:
        start = {"type": "start", "user_id": given.user, "session_id": uuid.uuid4().hex}
        await socket.send(json.dumps(start))
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("playing", total=given.loop * len(recording.frames))
            sending = asyncio.create_task(_send(socket, recording, given.loop, progress, bar))
            try:
                return await _listen(socket, console)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)


async def _send(
    socket: ClientConnection, recording: Recording, loops: int, progress: Progress, bar: TaskID
) -> None:
    """At the recording's pace: a frame that is late is sent at once, none is sent early."""
    began_s = time.monotonic()
    for place in range(loops * len(recording.frames)):
        await asyncio.sleep(max(0.0, began_s + place / recording.fps - time.monotonic()))
        await socket.send(recording.frames[place % len(recording.frames)])
        progress.advance(bar)
    await asyncio.sleep(1.0)  # for the answer to the last frame
    await socket.close()


async def _listen(socket: ClientConnection, console: Console) -> int:
    said = ""
    try:
        async for text in socket:
            status: Status = json.loads(text)
            line = _line(status)
            if line != said and line:
                console.print(line)
                said = line
            if status["status"] in FINAL:
                return ACCEPTED if status["authenticated"] is True else REFUSED
    except ConnectionClosed as closed:
        console.print(f"the service closed the connection: {closed}")
        return BROKEN
    if socket.close_code != 1000:
        console.print(f"the service closed the connection with code {socket.close_code}")
        return BROKEN
    console.print("refused: the recording ended before the service could decide")
    return REFUSED


def _line(status: Status) -> str:
    """What to show of a status; nothing of what only repeats."""
    lines = {
        "connected": "connected",
        "progress": "",
        "challenge": "asked to: {instruction} ({number} of {total}, {expires_in_s} s left)",
        "authenticated": "let in: confidence {confidence}, liveness {liveness_score}",
        "rejected": "refused: {reason}. {advice}",
        "spoof_detected": "refused: {reason}. {advice}",
        "expired": "refused: {reason}. {advice}",
        "error": "error {code}: {detail}",
    }
    return lines.get(str(status["status"]), "{status}: {advice}").format(**status)


def _encoded(video: cv2.VideoCapture) -> Iterator[bytes]:
    while True:
        read_one, picture = video.read()
        if not read_one:
            return
        shrink = LONG_SIDE_PX / max(picture.shape[:2])
        if shrink < 1:
            picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if done:
            yield data.tobytes()


def _cause(error: Exception, url: str) -> str:
    if isinstance(error, InvalidStatus):
        return f"{url} refused the connection: status {error.response.status_code}"
    if isinstance(error, OSError):
        return f"nothing listens on {url}; start the service first: make run"
    return str(error)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recording", type=Path, help="a video file, or a folder of pictures")
    parser.add_argument("--user", required=True, help="whom the person claims to be")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service listens")
    parser.add_argument("--client", default="example", help="what this client calls itself")
    parser.add_argument("--fps", type=float, help="frames a second, instead of the recording's own")
    parser.add_argument("--loop", type=int, default=1, help="how often to play it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
