"""`facekey serve`: the HTTP service in this process."""

import asyncio
import ipaddress
import signal
import socket
from contextlib import AsyncExitStack, closing, suppress
from typing import Annotated

import typer
import uvicorn

from facekey.api.app import create_app
from facekey.api.logs import configure
from facekey.api.meters import Meters
from facekey.api.security import LOCAL_HOSTS
from facekey.api.server import GuardedHttp
from facekey.cli.beginning import opening
from facekey.cli.outcome import told_in_one_line
from facekey.core.errors import SettingsInvalid
from facekey.doctor.serving import make_doctor
from facekey.settings import Settings, read_settings
from facekey.wiring.limits import doors, request_limits
from facekey.wiring.service import open_service
from facekey.wiring.traces import make_tracing
from facekey.wiring.web import web_app


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Start the service; Ctrl-C stops it."""
    with told_in_one_line():
        settings = read_settings()
        settings = settings.model_copy(
            update={"host": host or settings.host, "port": port if port is not None else settings.port}
        )
        if settings.profile == "development" and settings.host not in LOCAL_HOSTS:
            raise SettingsInvalid(
                f"FACEKEY_HOST is {settings.host}, but the development profile is open to whoever reaches it "
                "and listens on 127.0.0.1 only; for others set FACEKEY_PROFILE=production"
            )
        configure(settings.log_level)
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    # Everything is opened before a request can come: what can't start says so in one line.
    listener, tracing = listen(settings.host, settings.port), make_tracing(settings)
    with listener, closing(tracing):
        async with AsyncExitStack() as stack:
            with opening():
                service = await stack.enter_async_context(open_service(settings, meters=Meters(tracing.took)))
                app = create_app(
                    service,
                    max_image_bytes=settings.max_image_bytes,
                    doors=doors(settings),
                    limits=request_limits(settings),
                    doctor=make_doctor(settings, url=_own_address(settings)),
                    web=web_app(settings),
                    within=tracing.within,
                )
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                http=GuardedHttp,
                limit_concurrency=settings.max_connections,
                proxy_headers=False,  # api/address.py finds out where a request comes from
                # Room for the sentence that says what is too large; beyond it the socket is cut.
                ws_max_size=2 * service.stream_limits.max_message_bytes,
                ws_per_message_deflate=False,  # pictures are compressed already
            )
            found = "web app, API: /docs" if web_app(settings) else "API: /docs; the web app isn't built"
            typer.echo(f"FaceKey listens on http://{settings.host}:{settings.port} ({found})", err=True)
            # The server raises the signal again that stopped it, which would end the process before
            # what is open here is closed.
            signal.signal(signal.SIGTERM, lambda *_: None)
            await uvicorn.Server(config).serve(sockets=[listener])


def _own_address(settings: Settings) -> str:
    """Where this process reaches itself."""
    host = settings.host
    with suppress(ValueError):  # a name
        address = ipaddress.ip_address(host)
        if address.is_unspecified:  # it listens on all; one of them is this machine's own
            host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def listen(host: str, port: int) -> socket.socket:
    """Take the port, so that a second service finds out before it loads anything.

    Raises:
        SettingsInvalid: it is taken, or may not be used.
    """
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, reuse_port=False
        )
    except OSError as error:
        raise SettingsInvalid(
            f"FACEKEY_PORT: {host}:{port} can't be listened on ({error.strerror}); choose another with --port"
        ) from error
    # Connections take it over. Without it the second half of an answer waits 40 ms for the client's
    # word that the first has come; asyncio sees to that only for sockets it made itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
