"""Spans of messages, named as OpenTelemetry's conventions for messaging say.

A message carries the context of the span that created it, and the consumer's span is its child. So
an order is one trace from the request to the last handler; the batches, in which messages of many
orders travel together, are traces of their own with a link to each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol
from uuid import UUID

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from atelier.messaging.event import Event
from atelier.messaging.topology import EVENTS
from atelier.telemetry import tracing

_SYSTEM: Final = {"messaging.system": "rabbitmq"}


class Outgoing(Protocol):
    """What is needed of an outbox row."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def order_id(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...


@contextmanager
def sending(events: Sequence[Outgoing]) -> Iterator[Sequence[Span]]:
    """The span of each event's message, and around them that of the batch."""
    messages = [_created(event) for event in events]
    try:
        if all(message is INVALID_SPAN for message in messages):
            yield messages
            return
        with tracing.span(
            f"send {EVENTS}",
            SpanKind.CLIENT,
            links=messages,
            attributes={
                **_SYSTEM,
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": EVENTS,
                "messaging.batch.message_count": len(messages),
            },
        ):
            yield messages
    finally:
        for message in messages:
            message.end()


def processing(
    queue: str, traceparent: str | None, event: Event, attempt: int
) -> AbstractContextManager[Span]:
    """The span of one attempt to handle an event, whose message came with `traceparent`."""
    attributes: dict[str, str | int] = {
        **_SYSTEM,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.message.id": str(event.id),
        "messaging.rabbitmq.destination.routing_key": event.type,
        "atelier.attempt": attempt,
        "atelier.order.id": str(event.order_id),
    }
    return tracing.span(
        f"process {queue}",
        SpanKind.CONSUMER,
        caused_by=traceparent,
        attributes={**attributes, **status_change(event)},
    )


def status_change(event: Event) -> dict[str, str]:
    """The attributes that tell of the order's step that the event is about, if it is."""
    step = {"atelier.order.from": event.data.get("from"), "atelier.order.to": event.data.get("to")}
    return {name: state for name, state in step.items() if isinstance(state, str)}


def _created(event: Outgoing) -> Span:
    return tracing.start_span(
        f"create {EVENTS}",
        SpanKind.PRODUCER,
        caused_by=event.traceparent,
        attributes={
            **_SYSTEM,
            "messaging.operation.name": "create",
            "messaging.operation.type": "create",
            "messaging.destination.name": EVENTS,
            "messaging.message.id": str(event.event_id),
            "messaging.rabbitmq.destination.routing_key": event.type,
            "atelier.order.id": event.order_id,
        },
    )
