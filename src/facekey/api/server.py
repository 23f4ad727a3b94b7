"""Connections before they are requests: how long a head may take, how large it may be, how many there are.

uvicorn has no limit on any of these: a client that sends one header a minute, or none at all, keeps
its connection for good.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from facekey.api.lasting import ENDS

HEAD_S = 10.0  # until the last header is here
MAX_HEAD_BYTES = 64 * 1024


class GuardedHttp(HttpToolsProtocol):
    """HTTP of uvicorn, with an end to connections that never become a request.

    uvicorn's own `limit_concurrency` answers requests beyond it with 503; here connections beyond it are
    not taken at all, for one that says nothing is never answered.
    """

    head_s = HEAD_S
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Take the connection, or cut it when there are too many."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and begin to wait when this begins the next request."""
        if self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()
        if self._head_timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        # What came may have held the rest of the head, and then its size is no matter any more.
        if self._head_timer is not None and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._have_head()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Let the running answer come to its end; one that would last is told to end now."""
        super().shutdown()
        if self.cycle is not None and not self.cycle.response_complete:
            end = self.cycle.scope.get("state", {}).get(ENDS)
            if end is not None:
                end()

    def _await_head(self) -> None:
        self._head_bytes = 0
        too_slow: Callable[..., None] = self._refuse
        self._head_timer = self.loop.call_later(self.head_s, too_slow, HTTPStatus.REQUEST_TIMEOUT)

    def _have_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: HTTPStatus) -> None:
        self._have_head()
        if not self.transport.is_closing():
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.write(head.encode("ascii"))
            self.transport.close()
