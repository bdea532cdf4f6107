"""Traces, as a collector receives them by OTLP over HTTP."""

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from movierec.settings import Settings, SettingsError
from serving.app import create_app
from serving.observability.tracing import start_tracing
from tests.serving.conftest import Browser

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(HTTPServer):
    """Keeps the spans that it receives."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        super().__init__(("127.0.0.1", 0), CollectorHandler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class CollectorHandler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert self.path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Keeps the output of the tests clean."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def test_a_request_is_a_span_with_one_for_each_stage(home: Path, collector: Collector) -> None:
    app = create_app(Settings(home=home, otlp_endpoint=collector.address))
    browser = Browser(app)
    browser.get("/health/live")
    browser.get(
        "/api/movies/personal?user_id=3&explain=true",
        Traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01",
        X_Request_ID="request-of-a-test",
    )
    app.state.tracer.close()
    spans = {span.name: span for span in collector.spans}
    request = spans["GET /api/movies/personal"]
    assert set(spans) == {"GET /health/live", request.name, "retrieval", "ranking", "explanation"}
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE_ID, PARENT_ID)
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.route"].string_value == "/api/movies/personal"
    assert attributes["movierec.request_id"].string_value == "request-of-a-test"
    assert attributes["movierec.models"].array_value.values[0].string_value == "two_stage"
    for stage in ("retrieval", "ranking", "explanation"):
        assert spans[stage].parent_span_id == request.span_id
        assert spans[stage].trace_id == request.trace_id
    assert spans["retrieval"].end_time_unix_nano <= spans["ranking"].start_time_unix_nano
    assert "user_id" not in str(collector.spans)


def test_without_an_endpoint_there_are_no_traces(browser: Browser) -> None:
    assert browser.app.state.tracer is None


def test_without_the_extra_one_line_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert start_tracing("http://127.0.0.1:4318") is None
    (said,) = caplog.messages
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in said
    assert "extra `traces`" in said


def test_an_endpoint_that_is_no_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT is 'localhost:4318'; wanted is an address"):
        Settings.from_environment()
