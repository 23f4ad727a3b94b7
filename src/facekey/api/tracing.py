"""Traces: one span for each request and live stream, and below it one for each stage and network.

Needs the extra `otel`; loaded only where traces are asked for. Where they go, and how many of them,
is said by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, ...).
Spans carry the route's pattern, never a path, an id, an address or anything that was shown.
"""

import time

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, get_current_span, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey import __version__
from facekey.api.meters import METHODS, OTHER, UNMATCHED

NANOSECONDS = 1_000_000_000
SERVER_ERROR = 500
TRACED = ("http", "websocket")
PARENT = "traceparent"


class Traces:
    """Makes spans and sends them in the background; what can't be sent is dropped and told by the library."""

    def __init__(self) -> None:
        """Read OpenTelemetry's variables; nothing is sent before there is a span."""
        resource = Resource.create({"service.name": "facekey", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("facekey", __version__)

    def took(self, name: str, seconds: float) -> None:
        """Something ended that took so long, below whatever is being done."""
        if get_current_span().is_recording():
            end = time.time_ns()
            self._tracer.start_span(name, start_time=end - int(seconds * NANOSECONDS)).end(end)

    def request(self, name: str, links: list[Link]) -> Span:
        """The span of a request, at the root of a trace."""
        return self._tracer.start_span(name, kind=SpanKind.SERVER, links=links)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        self._provider.shutdown()


class RequestTraced:
    """Puts each request, and each live stream, into a span."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        """Wrap an application."""
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on below a span of its own."""
        if scope["type"] not in TRACED:
            await self._app(scope, receive, send)
            return
        span, status = self._traces.request(scope["type"], _links(scope)), SERVER_ERROR
        structlog.contextvars.bind_contextvars(trace_id=f"{span.get_span_context().trace_id:032x}")

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        with use_span(span, end_on_exit=True):
            try:
                await self._app(scope, receive, watched)
            finally:
                _describe(span, scope, status)


def _links(scope: Scope) -> list[Link]:
    """The trace of whoever asks, beside ours: whether ours is kept isn't theirs to say."""
    said = Headers(scope=scope).get(PARENT)
    carrier = {} if said is None else {PARENT: said}
    theirs = get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()
    return [Link(theirs)] if theirs.is_valid else []


def _describe(span: Span, scope: Scope, status: int) -> None:
    route = getattr(scope.get("route"), "path", UNMATCHED)
    method = scope.get("method", "GET")
    known = method if method in METHODS else OTHER
    span.update_name(f"{known} {route}" if scope["type"] == "http" else f"stream {route}")
    span.set_attributes(
        {"http.request.method": known, "http.route": route, "http.response.status_code": status}
    )
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        span.set_attribute("facekey.request_id", request_id)
    if status >= SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
