"""Log lines: one JSON object each, on stderr, with the field names of Elastic Common Schema.

What the schema has no field for is under `atelier.`, as the schema asks.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from atelier.telemetry import tracing

ECS_VERSION: Final = "8.17.0"

# What the code says, and what the schema calls it.
_NAMES: Final[Mapping[str, str]] = {
    "event": "message",
    "level": "log.level",
    "logger": "log.logger",
    "service": "service.name",
    "event_id": "event.id",
    "event_type": "event.action",
    "reason": "event.reason",
    "error": "error.message",
    "order_id": "atelier.order.id",
}
_OURS: Final = "atelier."
_SCHEMA: Final = ("@timestamp", "ecs.", "error.", "event.", "http.", "log.", "span.", "trace.")


def configure(level: str) -> None:
    """Also for libraries that use the standard library's logging.

    Say which service a line is from with `tracing.work_for(service)`.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="@timestamp"),
        _tell_the_error,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _name_as_elastic_does,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Relay, consumers and the broker say themselves what a lost connection means.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("aio_pika").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def _tell_the_error(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    told = line.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        line["error.type"] = type(error).__qualname__
        line["error.message"] = str(error)
        line["error.stack_trace"] = "".join(traceback.format_exception(error))
    return line


def _name_as_elastic_does(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    named: EventDict = {"ecs.version": ECS_VERSION, **tracing.ids()}
    for name, value in line.items():
        known = _NAMES.get(name) or (name if name.startswith(_SCHEMA) else _OURS + name)
        named[known] = value
    return named
