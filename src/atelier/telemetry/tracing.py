"""Traces: what caused what, over HTTP and through the broker, for a collector that speaks OTLP.

Until `start()` nothing is recorded, and whoever asks for a span gets one that does nothing. Spans
name orders and states, never people: no path, query, form, address or text of an exception.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

HEADER: Final = "traceparent"
"""Of requests and of messages (W3C Trace Context)."""

Attributes = Mapping[str, str | int | float]

_W3C: Final = TraceContextTextMapPropagator()
_tracers: dict[str, Tracer] = {}
_processors: list[SpanProcessor] = []
_service: ContextVar[str] = ContextVar("service", default="")


def start(endpoint: str, services: Collection[str]) -> None:
    """Record from now on, and send to `endpoint`, such as http://localhost:4318.

    Starts a thread: to be called by the process that serves, not by one that will be forked.
    """
    # 0.1 s, and a package of generated code, for those only who want traces.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    processor = BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces"))
    _processors.append(processor)
    for service in services:
        resource = Resource.create({"service.name": service, "service.namespace": "atelier"})
        # Always: a caller's header decides which trace a request belongs to, not whether we know.
        provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
        provider.add_span_processor(processor)
        _tracers[service] = provider.get_tracer("atelier")


def stop() -> None:
    """Send what is left, for some seconds at most, and record nothing more."""
    _tracers.clear()
    while _processors:
        _processors.pop().shutdown()


def work_for(service: str) -> None:
    """From here on, in this task and those that it starts, spans and log lines are `service`'s."""
    _service.set(service)
    structlog.contextvars.bind_contextvars(service=service)


def start_span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    caused_by: str | None = None,
    links: Sequence[Span] = (),
    attributes: Attributes | None = None,
) -> Span:
    """A span that the caller ends; part of the trace that the header value `caused_by` tells of,
    or else of the current one."""
    tracer = _tracers.get(_service.get())
    if tracer is None:
        return INVALID_SPAN
    return tracer.start_span(
        name,
        context=_W3C.extract({HEADER: caused_by}, Context()) if caused_by else None,
        kind=kind,
        links=[Link(span.get_span_context()) for span in links],
        attributes=attributes,
    )


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    caused_by: str | None = None,
    links: Sequence[Span] = (),
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """The current span while the context lasts; an exception that leaves it makes it failed."""
    started = start_span(name, kind, caused_by=caused_by, links=links, attributes=attributes)
    if started is INVALID_SPAN:
        yield started
        return
    with current(started):
        try:
            yield started
        except BaseException as error:
            failed(started, error)
            raise
        finally:
            started.end()


@contextmanager
def current(of: Span) -> Iterator[None]:
    """Spans that begin meanwhile are children of this one."""
    with use_span(of, record_exception=False, set_status_on_exception=False):
        yield


def failed(of: Span, error: BaseException) -> None:
    """Notes the kind of error only: its text may quote what somebody typed."""
    of.set_status(Status(StatusCode.ERROR))
    of.set_attribute("error.type", type(error).__qualname__)


def note(attributes: Attributes) -> None:
    """Attributes of the current span."""
    get_current_span().set_attributes(attributes)


def header_of(of: Span) -> str | None:
    """The header value that makes others part of this span's trace; None for one unrecorded."""
    found = of.get_span_context()
    if not found.is_valid:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def header() -> str | None:
    """`header_of` the current span."""
    return header_of(get_current_span())


def ids() -> dict[str, str]:
    """Trace and span, as a log line names them; empty where nothing is recorded."""
    found = get_current_span().get_span_context()
    if not found.is_valid:
        return {}
    return {"trace.id": f"{found.trace_id:032x}", "span.id": f"{found.span_id:016x}"}
