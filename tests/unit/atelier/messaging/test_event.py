from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.messaging.event import Event, MalformedEvent

EVENT = Event(
    type="order.submitted",
    order_id=uuid4(),
    actor=f"customer:{uuid4()}",
    data={"number": "AT-7K3M9Q", "price": None},
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.builds(
        Event,
        type=st.text(),
        order_id=st.uuids(),
        actor=st.text(),
        data=st.dictionaries(st.text(), json_values),
        id=st.uuids(),
        occurred_at=st.datetimes(timezones=st.just(UTC)),
    )
)
def test_an_event_survives_the_journey_through_json(event: Event) -> None:
    assert Event.from_json(event.to_json()) == event


def test_times_travel_in_utc() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=3)))
    event = Event(type="order.closed", order_id=uuid4(), actor="seller:1", occurred_at=noon)

    assert event.to_dict()["occurred_at"] == "2026-11-23T09:00:00+00:00"
    assert Event.from_json(event.to_json()).occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("id", None, "UUID input should be a string"),
        ("id", "7", "valid UUID, invalid length"),
        ("order_id", 7, "UUID input should be a string"),
        ("occurred_at", "yesterday", "valid datetime"),
        ("occurred_at", 1795435200, "valid datetime"),
        ("occurred_at", "2026-11-23T12:00:00", "should have timezone info"),
        ("occurred_at", "0001-01-01T00:00:00+23:59", "out of range in UTC"),
        ("type", 7, "valid string"),
        ("actor", None, "valid string"),
        ("data", [], "should be an object"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(field: str, value: object, told: str) -> None:
    content = {**EVENT.to_dict(), field: value}
    with pytest.raises(MalformedEvent, match=f"the field '{field}': .*{told}"):
        Event.from_json(json.dumps(content).encode())


@pytest.mark.parametrize("field", ["id", "type", "order_id", "occurred_at", "actor", "data"])
def test_a_field_that_is_missing_is_named(field: str) -> None:
    content = EVENT.to_dict()
    del content[field]
    with pytest.raises(MalformedEvent, match=f"the field '{field}' is missing"):
        Event.from_json(json.dumps(content).encode())


@given(st.binary())
def test_no_bytes_whatever_raise_anything_else(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        Event.from_json(body)


def test_json_that_is_nested_without_end_is_only_malformed() -> None:
    with pytest.raises(MalformedEvent, match="Invalid JSON: recursion limit"):
        Event.from_json(b"[" * 100_000)


def test_what_no_database_could_keep_is_no_event() -> None:
    content = {**EVENT.to_dict(), "data": {"name": "half a \ud800"}}
    with pytest.raises(MalformedEvent, match="Invalid JSON"):
        Event.from_json(json.dumps(content).encode())


def test_an_event_that_waited_in_a_row_is_read_as_one_that_came() -> None:
    assert Event.from_dict(EVENT.to_dict()) == EVENT
    with pytest.raises(MalformedEvent, match=r"the field 'order_id': .*valid UUID"):
        Event.from_dict({**EVENT.to_dict(), "order_id": "7"})


def test_what_an_event_holds_is_not_told_where_it_is_printed() -> None:
    told = {"address": {"recipient": "Anna Winter"}, "actor_name": "Vera Summer"}
    event = EVENT.model_copy(update={"data": told})
    assert "Winter" not in f"{event!r} {event}"
    assert "Summer" not in f"{event!r} {event}"
