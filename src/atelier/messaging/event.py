"""What the services tell each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4


class MalformedEvent(Exception):
    """The bytes are no event; says what is wrong with them."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact about one order.

    `type` is the routing key, such as "order.submitted". `actor` names who brought it about by role
    and id ("customer:<uuid>"), never by name or address: events hold no personal data.
    """

    type: str
    order_id: UUID
    actor: str
    data: dict[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ids as text, the time as ISO 8601 in UTC."""
        return {
            "id": str(self.id),
            "type": self.type,
            "order_id": str(self.order_id),
            "occurred_at": self.occurred_at.astimezone(UTC).isoformat(),
            "actor": self.actor,
            "data": self.data,
        }

    def to_json(self) -> bytes:
        return json.dumps(self.to_dict(), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Event:
        """Raises MalformedEvent."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise MalformedEvent(f"not JSON: {error}") from error
        if not isinstance(content, dict):
            raise MalformedEvent(f"expected a JSON object, found {type(content).__name__}")
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Event:
        """The reverse of `to_dict`. Raises MalformedEvent."""
        return cls(**{name: _read(content, name) for name in _FIELDS})


def _time(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(UTC)


def _instance_of(wanted: type) -> Callable[[object], object]:
    def check(value: object) -> object:
        if not isinstance(value, wanted):
            raise TypeError(value)
        return value

    return check


_FIELDS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "id": (UUID, "a UUID"),
    "type": (_instance_of(str), "a text"),
    "order_id": (UUID, "a UUID"),
    "occurred_at": (_time, "an ISO 8601 time with a time zone"),
    "actor": (_instance_of(str), "a text"),
    "data": (_instance_of(dict), "an object"),
}


def _read(content: Mapping[str, Any], name: str) -> Any:
    convert, wanted = _FIELDS[name]
    if name not in content:
        raise MalformedEvent(f"the field {name!r} is missing")
    try:
        return convert(content[name])
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise MalformedEvent(f"the field {name!r} is not {wanted}") from None
