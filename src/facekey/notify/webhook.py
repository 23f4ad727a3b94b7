"""Alerts as signed HTTP requests.

    POST, Content-Type: application/json
    X-FaceKey-Delivery:  the message's id; the same whenever the same message comes again
    X-FaceKey-Signature: t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "<t>." and the body>

A receiver compares the signature in constant time, refuses a `t` more than five minutes
away, and forgets what it has had: docs/alerts.md has the code.
"""

import hashlib
import hmac
import ipaddress
import json
import ssl
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from facekey.core.alerts import Message
from facekey.core.errors import DeliveryFailed, SettingsInvalid
from facekey.core.ports.clocks import Clock

SIGNATURE = "X-FaceKey-Signature"
DELIVERY = "X-FaceKey-Delivery"
MIN_SECRET = 32
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 65_536  # nothing of it is used; read, so that the connection ends in order


class WebhookNotifier:
    """Implements `core.ports.alerts.Notifier`.

    Redirects are not followed: they would take a signed message where nobody meant it to go.
    Addresses inside the own network are the operator's choice.
    """

    def __init__(
        self, *, url: str, secret: str, clock: Clock, tls: ssl.SSLContext, console: str = "", user_agent: str
    ) -> None:
        """Take where to, and the secret that the receiver has as well.

        Raises:
            SettingsInvalid: the address is not https (http is for this machine only), or the
                secret could be guessed.
        """
        _check_address(url)
        if len(secret) < MIN_SECRET:
            raise SettingsInvalid(
                f"FACEKEY_WEBHOOK_SECRET needs {MIN_SECRET} characters; make one with: facekey keys new"
            )
        self._url = url
        self._secret = secret.encode()
        self._clock = clock
        self._tls = tls
        self._console = console
        self._user_agent = user_agent

    async def send(self, message: Message) -> None:
        """Hand a message over; any answer from 200 to 299 takes it.

        Raises:
            DeliveryFailed: it was not taken.
        """
        body = json.dumps(said(message, self._console), sort_keys=True).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._user_agent,
            DELIVERY: message.uid,
            SIGNATURE: signature(self._secret, body, self._clock.now()),
        }
        try:
            # Each message has a connection of its own: they are few, and nothing must stay open.
            async with (
                httpx.AsyncClient(
                    verify=self._tls, follow_redirects=False, trust_env=False, timeout=TIMEOUT_S
                ) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                read = 0
                async for piece in answer.aiter_raw():
                    read += len(piece)
                    if read > MAX_ANSWER_BYTES:
                        break
                status = answer.status_code
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            # The kind alone: the sentences hold the address, which may hold a token.
            raise DeliveryFailed(f"the webhook can't be reached: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise DeliveryFailed(f"the webhook answered {status}")


def said(message: Message, console: str) -> dict[str, object]:
    """A message as JSON."""
    return {
        "id": message.uid,
        "kind": str(message.kind),
        "title": message.title,
        "advice": message.advice,
        "count": message.count,
        "first_at": message.first_at.isoformat(timespec="milliseconds"),
        "last_at": message.last_at.isoformat(timespec="milliseconds"),
        "actor": message.actor,
        "subject": message.subject,
        "name": message.name,
        "facts": dict(message.facts),
        "console": console or None,
    }


def signature(secret: bytes, body: bytes, at: datetime) -> str:
    """The header that proves where a message comes from, and when it was sent."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise SettingsInvalid("FACEKEY_WEBHOOK_URL can't be read") from None
    if not url.isascii() or not url.isprintable() or " " in url or not host:
        raise SettingsInvalid("FACEKEY_WEBHOOK_URL can't be read")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise SettingsInvalid("FACEKEY_WEBHOOK_URL must begin with https:// (http:// only for this machine)")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
