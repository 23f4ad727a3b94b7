"""A Chromium for the tests of the web app: the one that is here, or one that can be installed.

`python -m tests.browser` looks for one and installs one where it may; the suite only looks.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_S = 600

ARGUMENTS = (
    "--no-sandbox",  # the pages are ours, and test machines run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
"""What each test starts it with: nothing leaves the machine, and the camera is a file or a pattern."""


def find() -> Path | None:
    """A Chromium of this machine; None when there is none."""
    named = os.environ.get("FACEKEY_TEST_CHROMIUM")
    found = next((path for path in (named, *map(shutil.which, NAMES)) if path), None)
    if found is not None:
        return Path(found)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.is_file() else None


def install() -> bool:
    """Try the ways there are; whether one of them worked."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        ways.insert(
            0, ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-liberation"]
        )
        subprocess.run(["apt-get", "update", "-qq"], timeout=INSTALL_S, check=False)
    for way in ways:
        sys.stderr.write(f"trying: {' '.join(way)}\n")
        if subprocess.run(way, timeout=INSTALL_S, check=False).returncode == 0 and find():
            return True
    return False


if __name__ == "__main__":
    if find() is None and not install():
        sys.exit(
            "no Chromium: install one, or name it in FACEKEY_TEST_CHROMIUM; the web app's tests will skip"
        )
    sys.stderr.write(f"the web app's tests use {find()}\n")
