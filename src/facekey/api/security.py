"""Who may speak to an open service at all, and the headers every answer carries.

In the development profile whoever reaches the service may do everything; it therefore
answers only to this machine. Other addresses, foreign host names (DNS rebinding) and
requests that a foreign web page makes are refused.
"""

import ipaddress
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey.api.problems import problem

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

# Spelled out and matched whole: in `localhost@evil.example` or `localhost.evil.example`
# a part is right.
_LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_LOCAL_ORIGIN = re.compile(r"https?://" + _LOCAL_HOST.pattern, re.IGNORECASE)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
DOCS_POLICY = (
    # The API browser's page starts itself with an inline script; it shows no data of ours.
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
DOCS_PATHS = ("/docs", "/redoc")


class LocalOnly:
    """Lets only this machine in."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what comes from elsewhere; say why."""
        refusal = _refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Browsers let any page open one, so it is refused before the handshake.
            await send({"type": "websocket.close", "code": 1008, "reason": "local_only"})
        else:
            await problem(403, "local_only", refusal)(scope, receive, send)


class SecurityHeaders:
    """Adds the headers that keep browsers from guessing, framing and caching."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        """Wrap an application; `https` when its public address has TLS in front."""
        self._app = app
        self._headers = {**HEADERS, **(STRICT_TRANSPORT if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and dress the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(DOCS_PATHS):
                    headers["Content-Security-Policy"] = DOCS_POLICY
            await send(message)

        await self._app(scope, receive, dressed)


def _refusal(scope: Scope) -> str | None:
    client = scope.get("client")
    if client is not None and not _is_loopback(client[0]):
        return "the development profile is open and therefore answers only on this machine"
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _LOCAL_HOST.fullmatch(hosts[0]) is None:
        return "the development profile answers only under localhost, 127.0.0.1 or [::1]"
    if any(_LOCAL_ORIGIN.fullmatch(origin) is None for origin in headers.getlist("origin")):
        return "web pages of other sites may not call this service"
    return None


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A socket for both families shows IPv4 clients as ::ffff:127.0.0.1.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
