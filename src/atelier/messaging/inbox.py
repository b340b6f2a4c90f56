"""Events that a consumer has taken from its queue and could not handle yet.

A broker keeps messages in order and gives each to somebody; it is no place for one to wait in. What
waits there until a time has come can be lost with the broker, and comes back in whatever order. So
an event that cannot be handled becomes a row in the database of its consumer, in one transaction
with the note that it was consumed, and its message is acknowledged. From then on only the database
decides when it is tried again, and nothing depends on the broker or on how long something takes.

A row is one of three:

- it *waits*, since it came before an event that it follows: tried when an event of the same order
  was handled, and now and then. However long it waits, it does not die;
- it *is tried again*, since handling it failed: after each of the retry delays;
- it is *dead*, with a reason, since it can never be handled or has failed too often: a person looks
  into it (`atelier dlq`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.outbox_tables import inbox
from atelier.messaging.event import Event, MalformedEvent
from atelier.messaging.handler import NotYet, Refused

_LONGEST_REASON: Final = 2000  # characters
_LONGEST_WAIT: Final = 60.0  # seconds
_SHORTEST_WAIT: Final = 0.5  # seconds
_PERSONAL: Final = ("address", "actor_name")


@dataclass(frozen=True)
class Row:
    """An event that waits or is tried again; `due_in` seconds, negative when it is due."""

    id: int
    order_id: UUID | None
    due_in: float


@dataclass(frozen=True)
class Setback:
    """Why an event could not be handled, and when it is tried again: after `delay` seconds, or not
    before a person has looked into it where that is None. `attempts` are those that failed."""

    outcome: Literal["early", "postponed", "dead_lettered"]
    reason: str
    attempts: int
    delay: float | None


def setback(
    error: Exception, attempts: int, delays: Sequence[float], waited: float = 0.0
) -> Setback:
    """What becomes of an event whose handling raised `error`, after `attempts` that failed before,
    and that waits for `waited` seconds already."""
    reason = reason_of(error)
    match error:
        case NotYet():
            # The one it waits for brings it along; this is for what brought that one past us.
            delay = min(max(waited, _SHORTEST_WAIT), _LONGEST_WAIT)
            return Setback("early", reason, attempts, delay)
        case Refused() | MalformedEvent():
            return Setback("dead_lettered", reason, attempts + 1, None)
    if attempts < len(delays):
        return Setback("postponed", reason, attempts + 1, delays[attempts])
    return Setback("dead_lettered", reason, attempts + 1, None)


async def keep(
    session: AsyncSession,
    consumer: str,
    event: Event | bytes,
    what: Setback,
    traceparent: str | None = None,
) -> None:
    """Write an event that could not be handled into the inbox of `consumer`.

    Bytes that are no valid event are kept, too, for a person to look into.
    """
    body = event.to_json() if isinstance(event, Event) else event
    values: dict[str, Any] = {
        "consumer": consumer,
        "message_id": _identity(event),
        "body": body,
        "traceparent": traceparent,
        **_state(what),
    }
    if isinstance(event, Event):
        values |= {"order_id": event.order_id, "type": _storable(event.type)}
    # There already where no note tells that it was consumed: what is no event, and what
    # `calculations` gives up for the second time.
    statement = insert(inbox).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["consumer", "message_id"], set_=_state(what)
        )
    )


async def postpone(session: AsyncSession, row_id: int, what: Setback) -> None:
    """The row waits again, unless somebody has handled it meanwhile."""
    await session.execute(
        sa.update(inbox).where(inbox.c.id == row_id, inbox.c.died_at.is_(None)).values(_state(what))
    )


async def waiting(
    session: AsyncSession, consumer: str, *, order_id: UUID | None = None, most: int = 100
) -> Sequence[Row]:
    """What is to be tried again, in the order in which it will be due; or only what waits for an
    earlier event of one order, in the order in which it came."""
    due_in = sa.extract("epoch", inbox.c.not_before - sa.func.clock_timestamp())
    query = (
        sa.select(inbox.c.id, inbox.c.order_id, due_in)
        .where(inbox.c.consumer == consumer, inbox.c.died_at.is_(None))
        .limit(most)
    )
    if order_id is None:
        query = query.order_by(inbox.c.not_before, inbox.c.id)
    else:
        early = (inbox.c.order_id == order_id, inbox.c.attempts == 0)
        query = query.where(*early).order_by(inbox.c.id)
    return [Row(id_, order, float(due)) for id_, order, due in await session.execute(query)]


@dataclass(frozen=True)
class Taken:
    """A row that this transaction has locked."""

    body: bytes
    traceparent: str | None
    attempts: int
    waited: float  # seconds


async def taken(session: AsyncSession, row_id: int) -> Taken | None:
    """None when it was handled meanwhile, is being handled elsewhere, or is dead."""
    waited = sa.extract("epoch", sa.func.clock_timestamp() - inbox.c.received_at)
    query = (
        sa.select(inbox.c.body, inbox.c.traceparent, inbox.c.attempts, waited)
        .where(inbox.c.id == row_id, inbox.c.died_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    row = (await session.execute(query)).first()
    return None if row is None else Taken(row[0], row[1], row[2], float(row[3]))


async def remove(session: AsyncSession, row_id: int) -> None:
    """Delete the row of an event that has been handled."""
    await session.execute(sa.delete(inbox).where(inbox.c.id == row_id))


@dataclass(frozen=True)
class DeadLetter:
    """An event that waits for a person to look into it.

    `queue` is where it could not be handled, `id` the event's, or the digest of bytes that are no
    event; `body` is for reading only, without a delivery address and without an operator's name.
    """

    id: str
    queue: str
    type: str
    order_id: str | None
    reason: str
    attempts: int
    died_at: datetime
    body: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "died_at": self.died_at.isoformat()}


async def dead(session: AsyncSession, consumer: str | None = None) -> Sequence[DeadLetter]:
    """All dead letters of this database, or those of one queue, oldest first."""
    query = sa.select(inbox).where(inbox.c.died_at.is_not(None)).order_by(inbox.c.id)
    if consumer is not None:
        query = query.where(inbox.c.consumer == consumer)
    return [
        DeadLetter(
            id=row.message_id,
            queue=row.consumer,
            type=row.type or "no event",
            order_id=row.order_id and str(row.order_id),
            reason=row.reason,
            attempts=row.attempts,
            died_at=row.died_at,
            body=_without_people(row.body.decode(errors="backslashreplace")),
        )
        for row in await session.execute(query)
    ]


async def revive(session: AsyncSession, letter: DeadLetter) -> None:
    """Have it tried again, as if it had come just now."""
    await session.execute(
        sa.update(inbox)
        .where(
            inbox.c.consumer == letter.queue,
            inbox.c.message_id == letter.id,
            inbox.c.died_at.is_not(None),
        )
        .values(died_at=None, attempts=0, not_before=sa.func.now())
    )


def _without_people(body: str) -> str:
    """Nobody needs to know where a customer lives, or what an operator is called, to find out why
    an event failed."""
    try:
        event = json.loads(body)
        told = [what for what in _PERSONAL if event["data"].get(what) is not None]
    except (ValueError, TypeError, KeyError, AttributeError):
        return body
    if not told:
        return body
    event["data"] |= dict.fromkeys(told, "(not shown)")
    return json.dumps(event, ensure_ascii=False)


def _state(what: Setback) -> dict[str, Any]:
    moment = sa.func.clock_timestamp()
    return {
        "reason": what.reason,
        "attempts": what.attempts,
        "not_before": moment + sa.cast(timedelta(seconds=what.delay or 0), sa.Interval),
        "died_at": moment if what.delay is None else None,
    }


def _identity(event: Event | bytes) -> str:
    return str(event.id) if isinstance(event, Event) else sha256(event).hexdigest()[:16]


def reason_of(error: Exception) -> str:
    """As it is kept and logged."""
    return _storable(f"{type(error).__name__}: {error}"[:_LONGEST_REASON])


def _storable(text: str) -> str:
    """Half of a surrogate pair and NUL, which an event may quote, are no text to PostgreSQL."""
    return text.encode(errors="backslashreplace").decode().replace("\0", r"\0")
