"""Dead letters: events that could not be handled, which wait for a person to look into them.

Nothing here can lose one. A message stays unacknowledged while it is looked at, so that the broker
has it again when the command ends, in whatever way; and it is taken out of its queue only after the
broker has confirmed that the queue it came from holds the copy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from atelier.messaging import topology
from atelier.messaging.broker import Broker
from atelier.messaging.event import Event, MalformedEvent

_LOOKED_AT: Final = 10_000  # messages of one queue at most


@dataclass(frozen=True)
class DeadLetter:
    """`queue` is where it could not be handled; `id` the event's, or a digest of what is none."""

    id: str
    queue: str
    type: str
    order_id: str | None
    reason: str
    attempts: int
    died_at: datetime | None
    body: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "died_at": self.died_at and self.died_at.isoformat()}


class NoSuchQueue(Exception):
    """Names the queues that there are."""


def queues(only: str | None = None) -> Sequence[str]:
    """Those that can have dead letters. Raises NoSuchQueue."""
    if only is None:
        return tuple(topology.QUEUES)
    if only not in topology.QUEUES:
        raise NoSuchQueue(f"There is no queue {only}; there are: {', '.join(topology.QUEUES)}.")
    return (only,)


async def found(broker: Broker, only: str | None = None) -> list[DeadLetter]:
    """All of them, or those of one queue; they stay where they are. Raises NoSuchQueue."""
    letters: list[DeadLetter] = []
    for queue in queues(only):
        async with _held(broker, queue) as (_, messages):
            letters += [_read(queue, message) for message in messages]
    return letters


async def replay(
    broker: Broker, chosen: Callable[[DeadLetter], bool], only: str | None = None
) -> list[DeadLetter]:
    """Give the chosen ones to their queues again, as if they came for the first time.

    Returns them. Those that die once more while this runs are left for the next time.
    Raises NoSuchQueue, and what the broker answers to a message that it does not take.
    """
    replayed: list[DeadLetter] = []
    for queue in queues(only):
        async with _held(broker, queue) as (channel, messages):
            for message in messages:
                letter = _read(queue, message)
                if chosen(letter):
                    await _give_back(channel, queue, message)
                    await message.ack()
                    replayed.append(letter)
    return replayed


@asynccontextmanager
async def _held(
    broker: Broker, queue: str
) -> AsyncIterator[tuple[AbstractChannel, list[AbstractIncomingMessage]]]:
    """All messages that a dead-letter queue has now, oldest first. Those that are not acknowledged
    go back when the channel closes, each to its place."""
    async with broker.channel() as channel:
        source = await channel.get_queue(topology.dead(queue), ensure=False)
        messages: list[AbstractIncomingMessage] = []
        while len(messages) < _LOOKED_AT:
            message = await source.get(fail=False)
            if message is None:
                break
            messages.append(message)
        yield channel, messages


async def _give_back(
    channel: AbstractChannel, queue: str, message: AbstractIncomingMessage
) -> None:
    # Without the notes on its failures; with the trace that it belongs to.
    kept = {name: value for name, value in message.headers.items() if not name.startswith("x-")}
    await channel.default_exchange.publish(
        Message(
            message.body,
            headers=kept,
            message_id=message.message_id,
            type=message.type,
            content_type=message.content_type,
            delivery_mode=DeliveryMode.PERSISTENT,
        ),
        routing_key=queue,
        mandatory=True,
        timeout=10,
    )


def _read(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    try:
        event = Event.from_json(message.body)
    except MalformedEvent:
        identity, type_, order_id = sha256(message.body).hexdigest()[:16], "no event", None
    else:
        identity, type_, order_id = str(event.id), event.type, str(event.order_id)
    attempts = message.headers.get("x-attempt")
    return DeadLetter(
        id=identity,
        queue=queue,
        type=type_,
        order_id=order_id,
        reason=str(message.headers.get("x-error", "")),
        attempts=attempts if isinstance(attempts, int) else 1,
        died_at=message.timestamp and message.timestamp.replace(tzinfo=UTC),
        body=message.body.decode(errors="backslashreplace"),
    )
