"""Servers and tools that only Debian packages: the machine's own, or unpacked into `build/debian`.

They are unpacked and not installed: nothing is started, no port is taken, no root is needed.
`python -m tests.debian` fetches those that are missing; the suite only looks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

UNPACKED = Path(__file__).parents[1] / "build" / "debian"
FETCH_S = 300
GET = ("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root")
FOLDERS = ("usr/sbin", "usr/bin")

PACKAGES = {
    "nginx": "nginx",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "kubectl": "kubernetes-client",
}
"""Each program, and the package that has it."""


def find(name: str) -> Path | None:
    """A program of this machine or an unpacked one; None when there is neither."""
    unpacked = (UNPACKED / folder / name for folder in FOLDERS)
    found = next((path for path in unpacked if path.is_file()), None)
    here = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found or (Path(here) if here else None)


def program(name: str) -> Path:
    """The program; skips with the reason where it can't be had."""
    found = find(name)
    if found is None:
        pytest.skip(f"no {name}: `python -m tests.debian` fetches it on Debian, or install it")
    return found


def fetch() -> bool:
    """Unpack what is missing; whether all of it is there then."""
    missing = sorted({package for name, package in PACKAGES.items() if find(name) is None})
    if not missing:
        return True
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return False
    if os.geteuid() == 0:  # others take the lists that are there
        subprocess.run(["apt-get", "update", "-qq"], timeout=FETCH_S, check=False)
    UNPACKED.mkdir(parents=True, exist_ok=True)
    for package in missing:
        with tempfile.TemporaryDirectory() as folder:
            got = subprocess.run([*GET, package], cwd=folder, timeout=FETCH_S, check=False)
            for archive in Path(folder).glob("*.deb") if got.returncode == 0 else ():
                subprocess.run(["dpkg", "-x", archive, UNPACKED], timeout=FETCH_S, check=True)
    return all(find(name) for name in PACKAGES)


if __name__ == "__main__":
    if not fetch():
        lacking = ", ".join(name for name in PACKAGES if find(name) is None)
        sys.exit(f"not to be had here: {lacking}; tests that need them will skip")
    sys.stderr.write(f"servers of the tests: {', '.join(str(find(name)) for name in PACKAGES)}\n")
