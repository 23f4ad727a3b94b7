"""A real nginx with the files of `deployment/nginx`, filled in as the images fill them in."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.debian import program
from tests.e2e.conftest import ROOT, free_port

DEPLOYMENT = ROOT / "deployment"
CONFIGURATION = DEPLOYMENT / "nginx"
COMPOSE = DEPLOYMENT / "docker-compose.yml"
START_S = 10.0

VARIABLE = re.compile(r"\$\{(FACEKEY_[A-Z_]+)\}")
COMPOSE_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def composed(environment: Mapping[str, str]) -> dict[str, dict[str, dict[str, object]]]:
    """The compose file with its variables filled in: from the environment, or their defaults."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        assert name in environment or kind == "-", f"{name} has no value and no default"
        return environment.get(name) or default

    loaded: dict[str, dict[str, dict[str, object]]] = yaml.safe_load(
        COMPOSE_VARIABLE.sub(value, COMPOSE.read_text())
    )
    return loaded


def front_settings(folder: Path, **changes: str) -> dict[str, str]:
    """What the compose file gives the nginx in front, but for places and ports of this machine."""
    https = free_port()
    given = composed({"FACEKEY_PUBLIC_URL": f"https://localhost:{https}"})["services"]["nginx"]["environment"]
    assert isinstance(given, dict)
    return {
        **{name: str(value) for name, value in given.items()},
        "FACEKEY_NGINX_HTTP_PORT": str(free_port()),
        "FACEKEY_NGINX_HTTPS_PORT": str(https),
        "FACEKEY_NGINX_HEALTH_PORT": str(free_port()),
        "FACEKEY_NGINX_TLS": str(folder / "tls"),
        "FACEKEY_NGINX_ACME_ROOT": str(folder / "acme"),
        "FACEKEY_NGINX_API": f"127.0.0.1:{free_port()}",
        "FACEKEY_NGINX_WEB": f"127.0.0.1:{free_port()}",
        **changes,
    }


def filled_in(template: Path, environment: Mapping[str, str]) -> str:
    """As `envsubst` of the image, held to FACEKEY_* by NGINX_ENVSUBST_FILTER; one that is missing fails."""
    return VARIABLE.sub(lambda found: environment[found[1]], template.read_text())


def laid_out(folder: Path, template: str, environment: Mapping[str, str]) -> Path:
    """The files as a container has them, below a folder that also stands for its /tmp; the main one."""
    shutil.copytree(CONFIGURATION / "facekey", folder / "facekey")
    (folder / "facekey-local").mkdir()
    filled = folder / "tmp" / "facekey" / template.removesuffix(".template")
    filled.parent.mkdir(parents=True)
    filled.write_text(filled_in(CONFIGURATION / template, environment))
    main = folder / "nginx.conf"
    main.write_text((CONFIGURATION / "nginx.conf").read_text().replace("/tmp/", f"{folder}/tmp/"))  # noqa: S108
    return main


def command(main: Path, *words: str, also: str = "") -> list[str]:
    # The image starts it as an ordinary user; where root runs the tests, its workers would be somebody else.
    directives = f"{also}user root;" if os.geteuid() == 0 else also
    return [str(program("nginx")), "-p", str(main.parent), "-c", str(main), "-g", directives, *words]


def checked(main: Path) -> str:
    """What `nginx -t` says; fails where it says no."""
    said = subprocess.run(command(main, "-t"), capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 0, said.stderr
    return said.stderr


@contextmanager
def serving(main: Path, port: str) -> Iterator[Path]:
    """Run it until it listens on this port; the file has all that it writes, standard error too."""
    log = main.parent / "log"
    with log.open("ab") as file:
        process = subprocess.Popen(command(main, also="daemon off;"), stdout=file, stderr=file)
        try:
            _until_listening(int(port), process, log)
            yield log
        finally:
            process.terminate()
            process.wait(timeout=30)


def _until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"nginx did not start: {log.read_text()}")
        time.sleep(0.01)
