"""How the web app feels: from pressing "start" to a decision, and how smooth the picture stays.

Protocol: the built web app in a real, headless Chromium (1280 x 800), served by `facekey serve`
in another process on the same two cores. Chromium's fake camera plays a real recording of a
living person (`pad_video/apfol/live.webm`, 640 x 480) who was enrolled from other frames of it: the
two seconds before he turns his head, at half their speed, or a third where more is watched (a clip
that begins again is refused).
Nothing is asked (`FACEKEY_STREAM_ACTIONS=0`): 12 frames over at least one second are judged by
the passive checks (`FACEKEY_STREAM_PASSIVE_FRAMES=12`, `FACEKEY_STREAM_PASSIVE_SECONDS=1`), and
once more with the defaults, 24 over three. Time runs from the click to the answer on the page, so it
holds the camera's start, the connection, every frame and the decision on record. Frames shown are
counted by requestVideoFrameCallback; "slowest half second" is the fewest of any such stretch
between the first frame sent and the decision. Each round has a fresh service and a fresh
browser: frames that were seen before would be refused as a replay.
"""

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from bench.host import describe
from bench.server import deployment, running_server
from tests.browser import ARGUMENTS, find
from tests.e2e.web.camera import clip, recorded

ROUNDS = 8
SETTINGS = (("1", "12", 2), ("3", "24", 3))
HALF_SECOND_MS = 500
STILL_FRAMES = 60

WATCH = """
(() => {
  window.shownAt = [];
  const count = (video) =>
    video.requestVideoFrameCallback((now) => {
      window.shownAt.push(now);
      count(video);
    });
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video:not([data-counted])")) {
      video.dataset.counted = "";
      count(video);
    }
    const phase = document.querySelector("[data-phase]")?.dataset.phase;
    if (phase === "watching") window.watchingAt ??= performance.now();
    if (phase === "authenticated" || phase === "refused") window.decidedAt ??= performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-phase"] });
  addEventListener("click", () => (window.startedAt = performance.now()), { capture: true });
})();
"""

ALONE = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true });
  document.body.append(video);
  await video.play();
  const shown = [];
  const count = () => video.requestVideoFrameCallback((now) => { shown.push(now); count(); });
  count();
  await new Promise((done) => setTimeout(done, 2000));
  stream.getTracks().forEach((track) => track.stop());
  video.remove();
  return (1000 * (shown.length - 1)) / (shown.at(-1) - shown[0]);
}"""
"""How many frames a second the fake camera shows on this machine while nothing else happens."""


def main(data: Path) -> None:
    """Measure and print."""
    print(__doc__)
    chromium = find()
    if chromium is None:
        sys.exit("web needs a Chromium: make browser")
    frames = recorded(data / "pad_video" / "apfol" / "live.webm")
    print(f"machine: {describe()}; {ROUNDS} rounds a setting")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        for seconds, count, slower in SETTINGS:
            slowly = [frame for frame in frames[:STILL_FRAMES] for _ in range(slower)]
            video = clip(slowly, Path(folder) / "live.mjpeg")
            rounds = []
            for _ in range(ROUNDS):
                with _service(seconds, count, frames) as url:
                    arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={video}"]
                    browser = playwright.chromium.launch(executable_path=str(chromium), args=arguments)
                    try:
                        rounds.append(_round(browser, url))
                    finally:
                        browser.close()
            _print(f"{count} frames over {seconds} s", rounds)


@contextmanager
def _service(seconds: str, count: str, frames: list[bytes]) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        environment = {
            **deployment(Path(folder)),
            "FACEKEY_STREAM_ACTIONS": "0",
            "FACEKEY_STREAM_PASSIVE_SECONDS": seconds,
            "FACEKEY_STREAM_PASSIVE_FRAMES": count,
        }
        with running_server(environment) as server:
            enrolled = [
                ("images", (f"{at}.jpg", frames[at])) for at in range(len(frames) // 2, len(frames), 12)
            ][:8]
            answer = httpx.post(
                f"{server.url}/api/v1/register", data={"user_id": "a"}, files=enrolled, timeout=60
            )
            answer.raise_for_status()
            yield server.url


def _round(browser: Browser, url: str) -> tuple[str, float, float, float, float]:
    page: Page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{url}/sign-in")
    alone = float(page.evaluate(ALONE))
    page.add_init_script(WATCH)
    page.reload()
    page.get_by_label("User id").fill("a")
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector("[data-phase=authenticated], [data-phase=refused]", timeout=60_000)
    phase = str(page.locator("[data-phase]").get_attribute("data-phase"))
    took_ms, watching_ms, shown = page.evaluate(
        "[decidedAt - startedAt, decidedAt - watchingAt,"
        " shownAt.filter((at) => at >= watchingAt && at <= decidedAt).map((at) => at - watchingAt)]"
    )
    stretches = [
        sum(1 for at in shown if begin <= at < begin + HALF_SECOND_MS)
        for begin in range(0, int(watching_ms) - HALF_SECOND_MS, 50)
    ]
    slowest = 1000 / HALF_SECOND_MS * min(stretches, default=0)
    return phase, took_ms / 1000, 1000 * len(shown) / watching_ms, slowest, alone


def _print(what: str, rounds: list[tuple[str, float, float, float, float]]) -> None:
    let_in = sum(phase == "authenticated" for phase, *_ in rounds)
    took = sorted(seconds for _, seconds, *_ in rounds)
    rate = statistics.median(row[2] for row in rounds)
    alone = statistics.median(row[4] for row in rounds)
    print(
        f"{what}: let in {let_in} of {len(rounds)}; start to decision {statistics.median(took):.2f} s in the "
        f"median, {took[0]:.2f} to {took[-1]:.2f}; picture {rate:.1f} frames a second, slowest half second "
        f"{min(row[3] for row in rounds):.0f}; the camera alone {alone:.1f}"
    )
