"""The webhook, on a real HTTP server. The signature is verified by code that shares nothing with ours."""

import hashlib
import hmac
import json
import ssl
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from facekey.core.alerts import Alert, AlertKind, Message, message_of
from facekey.core.errors import DeliveryFailed, SettingsInvalid
from facekey.core.types import SubjectId
from facekey.notify import webhook
from facekey.notify.webhook import WebhookNotifier
from tests.receivers import Answering, Receiver, answer_with, make_certificate
from tests.unit.services.deployed import NOW, FixedClock

SECRET = "a secret of thirty-two characters"
PLAIN = ssl.create_default_context()


def to(url: str, tls: ssl.SSLContext = PLAIN) -> WebhookNotifier:
    return WebhookNotifier(
        url=url,
        secret=SECRET,
        clock=FixedClock(),
        tls=tls,
        console="https://x.example",
        user_agent="FaceKey/1",
    )


def message(**facts: str) -> Message:
    return message_of(Alert(AlertKind.SPOOF, NOW, "operator:1", "f" * 32, facts), "0123456789abcdef" * 2)


def verify(header: str, body: bytes, secret: str, now: datetime, window_s: int = 300) -> bool:
    """As a receiver would, from docs/alerts.md."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    if abs(now.timestamp() - int(parts["t"])) > window_s:
        return False
    expected = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"])


async def test_a_message_arrives_and_its_signature_holds() -> None:
    with Receiver() as receiver:
        await to(receiver.url).send(message(liveness="low"))
    (posted,) = receiver.posted
    header = posted.headers["x-facekey-signature"]
    assert verify(header, posted.body, SECRET, NOW)
    assert not verify(header, posted.body + b" ", SECRET, NOW)
    assert not verify(header, posted.body, SECRET + "x", NOW)
    assert not verify(header, posted.body, SECRET, datetime(2027, 1, 1, tzinfo=UTC)), "too old"
    other_time = header.replace("t=", "t=1", 1)
    assert not verify(other_time, posted.body, SECRET, NOW, window_s=10**12), "the time is signed, too"
    assert posted.headers["x-facekey-delivery"] == "0123456789abcdef" * 2
    assert posted.headers["content-type"] == "application/json"
    said = json.loads(posted.body)
    assert said["kind"] == "spoof"
    assert said["title"] == "1 spoof attempt refused"
    assert said["facts"] == {"liveness": "low"}
    assert (said["subject"], said["name"], said["count"]) == ("f" * 32, None, 1)
    assert said["console"] == "https://x.example"


def redirect(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 302, Location="/elsewhere")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda handler: answer_with(handler, 500), "500"),
        (lambda handler: answer_with(handler, 404), "404"),
        (redirect, "302"),
        (lambda handler: handler.wfile.write(b"what?\r\n\r\n"), "RemoteProtocolError"),
        (lambda handler: handler.connection.close(), "Error"),
    ],
)
async def test_what_is_not_taken_has_failed(answer: Answering, why: str) -> None:
    with Receiver(answer=answer) as receiver, pytest.raises(DeliveryFailed, match=why) as failure:
        await to(receiver.url + "?token=5ec7e7").send(message())
    assert len(receiver.posted) == 1, "redirects are not followed"
    assert "5ec7e7" not in str(failure.value)
    assert "127.0.0.1" not in str(failure.value)


async def test_a_receiver_that_is_away_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        gone = receiver.url
    with pytest.raises(DeliveryFailed, match="ConnectError"):
        await to(gone).send(message())
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.1)
    release = threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> None:
        release.wait(10)

    with Receiver(answer=wait) as receiver:
        with pytest.raises(DeliveryFailed, match="ReadTimeout"):
            await to(receiver.url).send(message())
        release.set()


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    written = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal written
        handler.send_response(200)
        handler.end_headers()
        while written < 200_000_000:
            handler.wfile.write(b"x" * 65_536)
            written += 65_536

    with Receiver(answer=endless) as receiver:
        await to(receiver.url).send(message())
    assert written < 100_000_000


async def test_certificates_are_verified(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "receiver.pem")
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Receiver(tls=certificate) as receiver:
        await to(receiver.url, trusting).send(message())
        with pytest.raises(DeliveryFailed, match="ConnectError"):
            await to(receiver.url).send(message())
        with pytest.raises(DeliveryFailed, match="ConnectError"):  # the name doesn't fit
            await to(receiver.url.replace("127.0.0.1", "127.0.0.2"), trusting).send(message())
    assert len(receiver.posted) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/x",
        "http://127.0.0.1.example.org/x",
        "http://10.0.0.1/x",
        "ftp://hooks.example.org",
        "https://",
        "https://hooks.example.org/\r\nX-Evil: 1",
        "https://hooks.example.org/a b",
        "https://hooks.exämple.org/",
        "https://hooks.example.org:port/",
        "https://[::1",
        "",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="FACEKEY_WEBHOOK_URL"):
        to(url)


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.org/x?y=1", "http://localhost:8080/", "http://[::1]:1/", "http://127.0.0.1/"],
)
def test_addresses_that_are_taken(url: str) -> None:
    assert to(url)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="FACEKEY_WEBHOOK_SECRET"):
        WebhookNotifier(
            url="https://x.example", secret="x" * 31, clock=FixedClock(), tls=PLAIN, user_agent="FaceKey/1"
        )


async def test_text_of_others_stays_in_the_body() -> None:
    nasty = message_of(
        Alert(AlertKind.LOCK_OUT, NOW, "x\r\nX-Evil: 1", "f" * 32, {"of": "a\r\nX-Evil: 1"}), "u" * 32
    )
    with Receiver() as receiver:
        await to(receiver.url).send(nasty)
    assert "x-evil" not in receiver.posted[0].headers
    assert json.loads(receiver.posted[0].body)["name"] is None
    assert SubjectId("x") not in receiver.posted[0].headers
