"""Events, by which services tell each other what has happened to an order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)


class MalformedEvent(Exception):
    """The bytes are no event; says what is wrong with them."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range in UTC") from None


class Event(BaseModel):
    """A fact about one order.

    `type` is the routing key, such as "order.submitted". `actor` tells who brought it about by role
    and id ("customer:<uuid>"), never by name or address. Events hold no personal data but what the
    other side cannot do without. For the workshop that is what is to be engraved, and where the
    piece is sent: in `order.manufacturing_approved`, `order.address_changed` and `work.shipped`
    alone. For the sellers it is what the operator is called who has taken a step: `actor_name`, in
    the workshop's own steps alone (`work.manufacturing_started` to `work.shipped`), and never in
    the event by which the shop tells of the same step.

    Like an address it does not tell its `data` as a `repr`, so that none gets into a log.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    id: UUID = Field(default_factory=uuid4)
    type: str
    order_id: UUID
    occurred_at: Annotated[
        AwareDatetime, AfterValidator(_in_utc), PlainSerializer(datetime.isoformat)
    ] = Field(default_factory=lambda: datetime.now(UTC))
    actor: str
    data: dict[str, Any] = Field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ids as text, the time as ISO 8601 in UTC."""
        return self.model_dump(mode="json")

    def to_json(self) -> bytes:
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, body: bytes) -> Event:
        """Raises MalformedEvent."""
        try:
            return cls.model_validate_json(body)._complete()
        except ValidationError as error:
            raise _malformed(error) from None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Event:
        """The reverse of `to_dict`. Raises MalformedEvent."""
        try:
            return cls.model_validate(content, strict=False)._complete()
        except ValidationError as error:
            raise _malformed(error) from None

    def _complete(self) -> Event:
        """What has a default for whoever makes an event may not be missing in one that is read."""
        for name in type(self).model_fields.keys() - self.model_fields_set:
            raise MalformedEvent(f"the field {name!r} is missing")
        return self


def _malformed(error: ValidationError) -> MalformedEvent:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return MalformedEvent(first["msg"])
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return MalformedEvent(f"the field {field!r} is missing")
    return MalformedEvent(f"the field {field!r}: {first['msg']}")
