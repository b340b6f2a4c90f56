"""What the services tell each other."""

from __future__ import annotations

import json
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
        except ValueError as error:
            raise MalformedEvent(f"not JSON: {error}") from error
        if not isinstance(content, dict):
            raise MalformedEvent(f"expected a JSON object, found {type(content).__name__}")
        try:
            occurred_at = datetime.fromisoformat(content["occurred_at"])
            if occurred_at.tzinfo is None:
                raise ValueError("occurred_at has no time zone")
            event = cls(
                id=UUID(content["id"]),
                type=content["type"],
                order_id=UUID(content["order_id"]),
                occurred_at=occurred_at.astimezone(UTC),
                actor=content["actor"],
                data=content["data"],
            )
        except KeyError as error:
            raise MalformedEvent(f"the field {error} is missing") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise MalformedEvent(str(error)) from error
        if not (isinstance(event.type, str) and isinstance(event.data, dict)):
            raise MalformedEvent("type must be a text and data an object")
        return event
