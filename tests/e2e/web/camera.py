"""What stands before the camera of a test's browser.

A clip is played by Chromium's own fake device; it can't know what will be asked. An actor
can: its frames are drawn into a canvas whose stream takes the place of the camera's.
"""

import base64
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page

from facekey.core.challenge import Action
from tests.actor import Actor
from tests.photos import decoded, encoded

WIDTH, HEIGHT = 640, 480
FRAME_S = 1 / 14

STAGE = """
(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: %d, height: %d });
  const drawing = canvas.getContext("2d");
  const stream = () => canvas.captureStream(20);
  window.showFrame = async (encoded) => {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    drawing.drawImage(bitmap, 0, 0);
    bitmap.close();
  };
  drawing.fillRect(0, 0, canvas.width, canvas.height);
  const browsers = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wish) => (wish?.audio ? browsers(wish) : Promise.resolve(stream()));
})();
""" % (WIDTH, HEIGHT)  # noqa: UP031 - the script has braces of its own


def clip(frames: Iterable[bytes], path: Path) -> Path:
    """Frames, each a JPEG, as a file that Chromium's fake camera plays again and again."""
    path.write_bytes(b"".join(frames))
    return path


def recorded(video: Path, *, most: int = 300) -> list[bytes]:
    """The frames of a video, as JPEGs of the camera's size."""
    capture = cv2.VideoCapture(str(video))
    frames: list[bytes] = []
    while len(frames) < most:
        more, picture = capture.read()
        if not more:
            break
        frames.append(encoded(fitted(picture)))
    capture.release()
    assert frames, f"{video} can't be read"
    return frames


def shown(photo: bytes, *, count: int = 60) -> list[bytes]:
    """A photo held before the camera by a hand: it moves a little, as a whole."""
    picture = fitted(decoded(photo))
    frames = []
    for number in range(count):
        shift = 6 * np.sin(number / 7), 4 * np.sin(number / 5)
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
        moved = cv2.warpAffine(picture, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        frames.append(encoded(moved))
    return frames


def fitted(picture: np.ndarray) -> np.ndarray:
    """A picture in the camera's size: scaled to fill it, and cut."""
    height, width = picture.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (scaled.shape[0] - HEIGHT) // 2, (scaled.shape[1] - WIDTH) // 2
    return scaled[top : top + HEIGHT, left : left + WIDTH]


ASKED = {
    "close your eyes": Action.BLINK,
    "smile": Action.SMILE,
    "to your left": Action.TURN_LEFT,
    "to your right": Action.TURN_RIGHT,
    "nod": Action.NOD,
}
"""What the page's words ask for."""


SHOW = """async ([frame, until]) => {
  if (frame) await window.showFrame(frame);
  const prompt = document.querySelector("[data-phase=challenge] [role=alert] strong");
  return [prompt?.textContent ?? "", document.querySelector(until) !== null];
}"""


def act(page: Page, actor: Actor, *, until: str, patience_s: float = 45.0) -> None:
    """Let an actor face the page, and do what it reads there, until there is such an element."""
    began_s, heard, there = time.monotonic(), "", False
    while not there:
        now_s = time.monotonic()
        assert now_s - began_s < patience_s, f"nothing came of it: {page.locator('main').inner_text()}"
        told, there = page.evaluate(SHOW, [base64.b64encode(actor.frame(now_s)).decode(), until])
        if told != heard:
            heard = told
            for words, action in ASKED.items():
                if words in told.lower():
                    actor.told(action, now_s)
        time.sleep(max(0.0, FRAME_S - (time.monotonic() - now_s)))
