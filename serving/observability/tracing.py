"""OpenTelemetry traces of requests, if OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `traces` is installed."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.types import Scope

from movierec.recommender.stages import STAGE_OBSERVER
from serving.observability.request_record import RequestRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger(__name__)

SERVICE_VARIABLE = "OTEL_SERVICE_NAME"


class RequestTracer:
    """Makes a span for each request, and one within it for each stage of a recommendation."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("movierec")

    @contextmanager
    def trace_request(self, scope: Scope, record: RequestRecord) -> Iterator[None]:
        """The span of a request, named after its route. It goes on with the trace in the header `traceparent`."""
        from opentelemetry.propagate import extract  # noqa: PLC0415  of an optional extra
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        context = extract(dict(Headers(scope=scope)))
        with self._tracer.start_as_current_span(scope["method"], context=context, kind=SpanKind.SERVER) as span:
            record.trace_id = format(span.get_span_context().trace_id, "032x")
            token = STAGE_OBSERVER.set(self._tracer.start_as_current_span)
            try:
                yield
            finally:
                STAGE_OBSERVER.reset(token)
                span.update_name(f"{scope['method']} {record.route}")
                span.set_attributes(
                    {
                        "http.request.method": scope["method"],
                        "http.route": record.route,
                        "movierec.request_id": record.request_id,
                        "movierec.models": record.models,
                        "movierec.bundle": record.bundle or "",
                    }
                )

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


def start_tracing(endpoint: str) -> RequestTracer | None:
    """The tracer that sends to `endpoint` by OTLP over HTTP; None without one, or if the extra is not installed.

    The exporter reads the other OTEL_EXPORTER_OTLP_… variables itself, such as the headers.
    """
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        log.error(  # noqa: TRY400  the reason is in the message
            "no traces are sent to OTEL_EXPORTER_OTLP_ENDPOINT: %s; install movierec's extra `traces`", error
        )
        return None
    attributes: dict[str, Any] = {"service.name": os.environ.get(SERVICE_VARIABLE, "movierec")}
    provider = TracerProvider(resource=Resource.create(attributes))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    return RequestTracer(provider)
