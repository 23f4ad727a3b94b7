"""Requests that nobody thought of, against every route of the described API.

Schemathesis reads /openapi.json of a real service in the production profile and makes valid
and invalid requests from it, as an admin, as an application and as nobody. What must hold:
no 5xx, no status, media type or body that the description doesn't name, and `Allow` right.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.server import deployment, facekey, running_server

EXAMPLES = 30  # for each operation and caller; the coverage phase adds its own
SEED = 20_261
PHASES = "examples,coverage,fuzzing"
PASSWORD = "correct horse battery"  # noqa: S105 - of a service that lives for a minute
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
LEFT_OUT = "/api/v1/auth/logout", "/api/v1/audit/live"
"""For the admin: the one would end the token, the other lasts ten minutes. The others ask for them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one caller's requests came to."""

    caller: str
    cases: int
    failures: int
    output: str


def main(examples: int = EXAMPLES) -> None:
    """Run and print; exit 1 when anything failed."""
    runs = fuzz(examples)
    print(
        f"schemathesis {version('schemathesis')}, phases {PHASES}, {examples} examples "
        f"for each operation, seed {SEED}; checks: {', '.join(CHECKS)}"
    )
    for run in runs:
        print(f"{run.caller:12} {run.cases:6} cases  {run.failures} failures")
    print(f"{'together':12} {sum(run.cases for run in runs):6} cases")
    failed = [run for run in runs if run.failures]
    for run in failed:
        print(f"\n{run.caller}:\n{run.output}")
    if failed:
        sys.exit(1)


def fuzz(examples: int, phases: str = PHASES) -> list[Run]:
    """Start a service and ask, as each kind of caller."""
    with TemporaryDirectory() as folder:
        environment = {
            **deployment(Path(folder)),
            "FACEKEY_PROFILE": "production",
            "SECRET_KEY": "not a secret outside of this minute: 0123456789",
            "FACEKEY_ACCESS_TOKEN_SECONDS": "3600",
            "FACEKEY_RATE_LOGIN_PER_MINUTE": "100000",
            "FACEKEY_RATE_LOGIN_BURST": "100000",
        }
        one_time = facekey(environment, "accounts", "add", "ada", "--role", "admin")
        key = facekey(environment, "api-keys", "add", "shop", "--audience", "shop")
        with running_server(environment) as server:
            callers = {
                "admin": _signed_in(server.url, one_time),
                "application": key,
                "nobody": None,
            }
            return [
                _run(server.url, name, credential, examples, phases) for name, credential in callers.items()
            ]


def _run(url: str, caller: str, credential: str | None, examples: int, phases: str) -> Run:
    words = [
        *("-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--no-color", "--continue-on-failure"),
        *("--checks", ",".join(CHECKS), "--phases", phases),
        *("--max-examples", str(examples), "--seed", str(SEED), "--generation-database", "none"),
        *("--suppress-health-check", "all", "--request-timeout", "30"),
    ]
    if credential is not None:
        words += ["-H", f"Authorization: Bearer {credential}"]
    if caller == "admin":
        words += [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    with TemporaryDirectory() as folder:  # it leaves its own notes where it runs
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False
        )
    cases = re.search(r"(\d+) generated", done.stdout)
    failures = re.search(r"(\d+) unique failures?", done.stdout)
    if cases is None or done.returncode not in (0, 1):
        raise RuntimeError(f"schemathesis did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    count = int(failures[1]) if failures else 0
    return Run(caller, int(cases[1]), count or (1 if done.returncode else 0), done.stdout)


def _signed_in(url: str, one_time: str) -> str:
    change = {"username": "ada", "password": one_time, "new_password": PASSWORD}
    httpx.post(f"{url}/api/v1/auth/password", data=change, timeout=30).raise_for_status()
    login = {"username": "ada", "password": PASSWORD}
    answer = httpx.post(f"{url}/api/v1/auth/token", data=login, timeout=30).raise_for_status()
    token: str = answer.json()["access_token"]
    return token
