"""TLS and headers, on real servers."""

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from facekey.api.security import HEADERS, STRICT_TRANSPORT
from facekey.doctor import served
from facekey.doctor.examination import Patient, State
from facekey.wiring.clocks import SystemClock
from tests.receivers import Receiver, answer_with, free_port, make_certificate
from tests.unit.doctor.conftest import Make

ALL = {**HEADERS, **STRICT_TRANSPORT}


def serving(status: int = 200, **changed: str | None) -> Receiver:
    headers = {**ALL, **{name.replace("_", "-"): value for name, value in changed.items()}}
    sent = {name: value for name, value in headers.items() if value is not None}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        assert handler.path == "/health/live"
        answer_with(handler, status, **sent)

    return Receiver(answer=answer)


@pytest.mark.parametrize(
    ("receiver", "state", "said"),
    [
        (serving(), State.OK, "as they should be"),
        (serving(X_Frame_Options=None), State.FAIL, "X-Frame-Options"),
        (serving(Strict_Transport_Security=None), State.FAIL, "Strict-Transport-Security"),
        (serving(Referrer_Policy="unsafe-url"), State.WARN, "Referrer-Policy"),
        (serving(Server="uvicorn"), State.WARN, "server software"),
        (serving(502), State.FAIL, "502"),
        (serving(301), State.FAIL, "301"),
    ],
)
async def test_headers(make: Make, receiver: Receiver, state: State, said: str) -> None:
    with receiver:
        address = receiver.url.removesuffix("/alerts")
        (finding,) = await served.headers(make(url=f"{address}/", public_url="https://x.example"))
    assert (finding.state, said in finding.said) == (state, True), finding


async def test_headers_of_a_service_that_is_away_or_unknown(make: Make) -> None:
    (finding,) = await served.headers(make(url=f"http://127.0.0.1:{free_port()}"))
    assert finding.state is State.UNKNOWN
    (finding,) = await served.headers(make())
    assert (finding.state, "--url" in finding.mend) == (State.WARN, True)


def of(make: Make, public_url: str) -> Patient:
    made = make(public_url=public_url)
    return Patient(settings=made.settings, clock=SystemClock())


@pytest.mark.parametrize(
    ("days", "trusted", "state", "said"),
    [
        (200.0, True, State.OK, "good for"),
        (3.5, True, State.WARN, "ends in 3 days"),
        (-1.0, True, State.FAIL, "expired"),
        (200.0, False, State.FAIL, "self-signed"),
    ],
)
async def test_certificates(  # noqa: PLR0917 - fixtures
    make: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float,
    trusted: bool,
    state: State,
    said: str,
) -> None:
    certificate = make_certificate(tmp_path / "served.pem", days=days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Receiver(tls=certificate) as receiver:
        (finding,) = await served.tls(of(make, receiver.url))
    assert (finding.state, said in finding.said) == (state, True), finding


@pytest.mark.parametrize(
    ("public_url", "state", "said"),
    [
        ("", State.FAIL, "isn't set"),
        ("http://faces.example.org", State.FAIL, "no TLS"),
        ("https://127.0.0.1:1", State.UNKNOWN, "can't be reached"),
    ],
)
async def test_addresses_without_tls(make: Make, public_url: str, state: State, said: str) -> None:
    (finding,) = await served.tls(of(make, public_url))
    assert (finding.state, said in finding.said) == (state, True), finding
