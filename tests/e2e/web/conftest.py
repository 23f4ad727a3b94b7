"""A service with the web app, and Chromium."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)
from playwright.sync_api import (
    Error as PlaywrightError,
)

from facekey.settings import default_web_dir
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.zoo.zoo import Zoo
from tests.browser import ARGUMENTS, find
from tests.e2e.conftest import ROOT, facekey, free_port, running
from tests.e2e.web.camera import STAGE
from tests.photos import Photos
from tests.puppet import Puppet, make_puppet

DESKTOP, PHONE = (1280, 800), (390, 844)
SCREENS = Path(os.environ.get("FACEKEY_TEST_SCREENS", ROOT / "build" / "screens"))
"""Where pictures of the pages are kept, to be looked at."""

Environment = dict[str, str]
Launch = Callable[..., AbstractContextManager[BrowserContext]]


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    if not (Path(os.environ.get("FACEKEY_WEB_DIR", default_web_dir())) / "index.html").is_file():
        pytest.skip("the web app isn't built: make web")
    if find() is None:
        pytest.skip("no Chromium on this machine: make browser")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """For one module: while it is open, asynchronous tests can't run on this worker."""
    expect.set_options(timeout=15_000)  # a busy machine is no fault of the page
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, zoo: Zoo) -> Environment:
    """A deployment of its own for a module's tests: a new key and an empty database."""
    folder = tmp_path_factory.mktemp("web")
    return {
        **os.environ,
        "ENCRYPTION_KEY": EncryptionKey.generate().written(),
        "DATABASE_URL": f"sqlite:///{folder}/facekey.db",
        "FACEKEY_PORT": str(free_port()),
    }


@pytest.fixture(scope="module")
def url(deployment: Environment) -> Iterator[str]:
    """A service in the development profile, as `make run` starts it."""
    with running(facekey("serve"), deployment) as (url, _process):
        yield url


ANSWERS = "Failed to load resource", "WebSocket connection to", "ApiProblem: FaceKey can't be reached"
"""What is written when the service refuses something or is gone; the page says so itself."""


@dataclass
class Watch:
    """What a browser did that a page must not.

    Attributes:
        complaints: errors on the console that nobody expected, refusals of the content policy among them.
        elsewhere: requests to other addresses than the service's.
    """

    url: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(ANSWERS):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, self.url.replace("http", "ws", 1), "blob:", "data:")):
            self.elsewhere.append(request.url)


@pytest.fixture(scope="module")
def launch(playwright: Playwright) -> Launch:
    """Starts a Chromium whose camera plays a clip and whose microphone a sound, and watches its pages."""

    @contextmanager
    def started(
        url: str,
        *,
        video: Path | None = None,
        size: tuple[int, int] = DESKTOP,
        camera: bool = True,
        dark: bool = False,
        sound: Path | None = None,
    ) -> Iterator[BrowserContext]:
        chosen = [word for word in ARGUMENTS if camera or "fake-ui" not in word]
        if video is not None:
            chosen.append(f"--use-file-for-fake-video-capture={video}")
        if sound is not None:
            chosen.append(f"--use-file-for-fake-audio-capture={sound}")
        browser: Browser = playwright.chromium.launch(executable_path=str(find()), args=chosen)
        watch = Watch(url)
        width, height = size
        context = browser.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            has_touch=size == PHONE,
            color_scheme="dark" if dark else "light",
            permissions=[*(["camera"] if camera else []), *(["microphone"] if sound else [])],
        )
        context.set_default_timeout(20_000)
        context.on("page", watch.over)
        try:
            yield context
        except BaseException:
            for number, page in enumerate(context.pages):
                with suppress(PlaywrightError):  # the first fault is the one to tell
                    keep(page, f"failed-{number}")
            raise
        finally:
            context.close()
            browser.close()
        assert watch.complaints == []
        assert watch.elsewhere == []

    return started


@pytest.fixture(scope="session")
def puppet(zoo: Zoo, photos: Photos) -> Puppet:
    return make_puppet(photos.obama3, zoo)


def staged(context: BrowserContext) -> Page:
    """A page whose camera shows what `camera.act` plays."""
    page = context.new_page()
    page.add_init_script(STAGE)
    return page


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page as it is now."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True, animations="disabled")
