from __future__ import annotations

from opentelemetry.trace import INVALID_SPAN

from atelier.telemetry import tracing


def test_until_it_is_started_nothing_is_recorded() -> None:
    tracing.work_for("shop")

    with tracing.span("anything", attributes={"a": 1}) as span:
        assert span is INVALID_SPAN
        assert tracing.header() is None
        assert tracing.ids() == {}
        tracing.note({"b": 2})
