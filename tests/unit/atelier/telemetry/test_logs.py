from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from atelier.telemetry import logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stderr; the test's own logging is put back."""
    before, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure("INFO")
    yield stream
    logging.root.handlers[:], logging.root.level = before, level
    structlog.reset_defaults()


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_has_the_names_of_the_schema(written: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(service="mes", order_id="7"):
        structlog.get_logger("atelier.x").info("event postponed", event_id="1", attempt=2)

    [line] = lines(written)
    assert line.pop("@timestamp").endswith("Z")
    assert line == {
        "ecs.version": logs.ECS_VERSION,
        "message": "event postponed",
        "log.level": "info",
        "log.logger": "atelier.x",
        "service.name": "mes",
        "event.id": "1",
        "atelier.order.id": "7",
        "atelier.attempt": 2,
    }


def test_an_error_is_told_in_three_fields(written: io.StringIO) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError:
        structlog.get_logger("a").exception("it failed")
        logging.getLogger("a.library").exception("it failed, too")

    for line in lines(written):
        assert (line["error.type"], line["error.message"]) == ("ValueError", "no such thing")
        assert line["error.stack_trace"].startswith("Traceback")
        assert line["log.level"] == "error"


def test_a_library_is_heard_in_the_same_form(written: io.StringIO) -> None:
    logging.getLogger("a.library").warning("it is %s", "late")

    [line] = lines(written)
    assert (line["message"], line["log.logger"]) == ("it is late", "a.library")
    assert line["ecs.version"] == logs.ECS_VERSION
