"""What others see: TLS in front, and the headers that come with an answer."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx

from facekey.api.security import HEADERS, STRICT_TRANSPORT
from facekey.doctor.examination import Finding, Patient, fail, ok, unknown, warn

SOON = timedelta(days=21)
CONNECT_S = 5.0


async def tls(patient: Patient) -> list[Finding]:
    """The public address has TLS, with a certificate that browsers take, for some time yet."""
    public = patient.settings.public_url
    if not public:
        return fail("FACEKEY_PUBLIC_URL isn't set", "set it to the https:// address that users see")
    parts = urlsplit(public)
    if parts.scheme != "https":
        return fail(
            "the public address has no TLS: faces and tokens can be read on their way",
            "put a proxy with TLS in front and set FACEKEY_PUBLIC_URL=https://...",
        )
    host, port = parts.hostname or "", parts.port or 443
    try:
        ends = await _certificate_ends(host, port)
    except ssl.SSLCertVerificationError as error:
        return fail(f"the certificate of {host} isn't taken: {error.verify_message}", "renew or replace it")
    except (OSError, TimeoutError) as error:
        return unknown(
            f"{host}:{port} can't be reached from here: {type(error).__name__}",
            "run this where it can be reached",
        )
    left = ends - patient.clock.now()
    if left < SOON:
        return warn(f"the certificate of {host} ends in {left.days} days", "renew it")
    return ok(f"{host} has TLS; its certificate is good for {left.days} days")


async def headers(patient: Patient) -> list[Finding]:
    """The running service answers, and keeps browsers from guessing, framing and caching."""
    url = patient.url or patient.settings.public_url
    if not url:
        return warn("the running service wasn't asked", "give its address: --url http://127.0.0.1:8000")
    try:
        async with httpx.AsyncClient(timeout=CONNECT_S, follow_redirects=False) as client:
            answer = await client.get(f"{url.rstrip('/')}/health/live")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return unknown(
            f"the service can't be asked: {type(error).__name__}", "start it, or give its address with --url"
        )
    if answer.status_code != httpx.codes.OK:
        return fail(
            f"/health/live answers {answer.status_code}", "look at the log of the service and the proxy"
        )
    return _judged(answer.headers, https=patient.settings.public_url.startswith("https:"))


def _judged(served: httpx.Headers, *, https: bool) -> list[Finding]:
    missing = [name for name in (*HEADERS, *(STRICT_TRANSPORT if https else ())) if name not in served]
    if missing:
        return fail(
            f"headers are missing: {', '.join(missing)}", "let the proxy pass on what the service sends"
        )
    changed = [name for name, value in HEADERS.items() if served[name] != value]
    if changed:
        return warn(f"headers were changed on the way: {', '.join(changed)}", "see that they are no weaker")
    if "uvicorn" in served.get("server", ""):
        return warn("the service names its server software", "start it by facekey serve or app.worker.Worker")
    return ok("security headers are as they should be")


async def _certificate_ends(host: str, port: int) -> datetime:
    """Shake hands, as a browser would; until when the certificate is good.

    Raises:
        SSLCertVerificationError: a browser would refuse it.
        OSError, TimeoutError: nobody answers.
    """
    async with asyncio.timeout(CONNECT_S):
        _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    try:
        certificate = writer.get_extra_info("peercert")
    finally:
        writer.transport.abort()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), tz=UTC)
