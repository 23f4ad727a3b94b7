"""Traces reach a real collector: one span a request, and its stages below."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.deployment.test_gunicorn import gunicorn
from tests.e2e.conftest import facekey, running

THEIRS = "4bf92f3577b34da6a3ce929d0e0e4736"
STAGES = {"queue", "decode", "detect", "align", "mesh", "quality", "liveness", "embed"}


@dataclass
class Collector:
    """Takes spans as OpenTelemetry's own collector does."""

    spans: list[Span] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken = ExportTraceServiceRequest.FromString(body)
                spans.extend(
                    span for one in taken.resource_spans for scope in one.scope_spans for span in scope.spans
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def attributes(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in span.attributes}


@pytest.mark.parametrize("command", [facekey("serve"), gunicorn(2)], ids=["one process", "workers"])
def test_a_request_is_one_span_with_its_stages_below(
    command: list[str], environment: dict[str, str], samples: dict[str, Path], collector: Collector
) -> None:
    traced = {
        **environment,
        "FACEKEY_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    with running(command, traced) as (url, _):
        answer = httpx.post(
            f"{url}/api/v1/authenticate",
            data={"user_id": "somebody.by.name"},
            files={"image": samples["obama.jpg"].read_bytes()},
            headers={"traceparent": f"00-{THEIRS}-00f067aa0ba902b7-01"},
            timeout=60,
        )
        assert answer.status_code == 200
        assert httpx.get(f"{url}/api/v1/users/somebody.by.name").status_code == 404
    (request,) = [span for span in collector.spans if span.name == "POST /api/v1/authenticate"]
    assert attributes(request) | {"facekey.request_id": ""} == {
        "http.request.method": "POST",
        "http.route": "/api/v1/authenticate",
        "http.response.status_code": 200,
        "facekey.request_id": "",
    }
    assert attributes(request)["facekey.request_id"] == answer.headers["X-Request-ID"]
    assert request.parent_span_id == b""
    assert request.trace_id.hex() != THEIRS
    assert [link.trace_id.hex() for link in request.links] == [THEIRS]
    below = {span.name for span in collector.spans if span.trace_id == request.trace_id} - {request.name}
    assert below >= STAGES | {"mobilefacenet", "database read", "database write", "compare", "record"}
    for span in collector.spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert b"somebody" not in span.SerializeToString(), "no span names anybody"


def test_a_collector_that_is_away_harms_nothing(
    environment: dict[str, str], samples: dict[str, Path]
) -> None:
    traced = {
        **environment,
        "FACEKEY_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    with running(facekey("serve"), traced) as (url, _):
        answer = httpx.post(
            f"{url}/api/v1/assess", files={"image": samples["obama.jpg"].read_bytes()}, timeout=60
        )
    assert answer.status_code == 200
