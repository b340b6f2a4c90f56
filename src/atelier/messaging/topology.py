"""The exchange of the platform and its queues: who wants which events, and how that is declared.

atelier.events (topic) ──▶ a queue for each subscription of a service

Queues hold what nobody has taken yet, and nothing else: what cannot be handled waits in the inbox
of its consumer's database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel

EVENTS: Final = "atelier.events"

DatabaseName = Literal["shop", "mes"]


@dataclass(frozen=True)
class Subscription:
    """What one consumer of a service wants to be told of.

    `queue` begins with the name of the service. `patterns` are types of events; `order.#` stands
    for all that begin with `order.`. The consumer writes to `database`, which has its inbox, too,
    and takes at most `prefetch` messages at a time.
    """

    queue: str
    patterns: tuple[str, ...]
    database: DatabaseName
    prefetch: int = 20

    def wants(self, type_: str) -> bool:
        """Whether events of this type are routed to the queue.

        >>> Subscription("mes.orders", ("order.#",), "mes").wants("order.shipped")
        True
        """
        return any(
            type_.startswith(pattern.removesuffix("#"))
            if pattern.endswith("#")
            else type_ == pattern
            for pattern in self.patterns
        )


async def declare(channel: AbstractChannel, subscriptions: Iterable[Subscription]) -> None:
    """Every process declares the queues of all services, so that no event is published before each
    queue that wants it is there. What exists already stays as it is.

    Pipelined: nothing is waited for but the last answer, which follows all the others.
    """
    await channel.exchange_declare(EVENTS, exchange_type="topic", durable=True, nowait=True)
    for each in subscriptions:
        await channel.queue_declare(each.queue, durable=True, nowait=True)
        for pattern in each.patterns:
            await channel.queue_bind(each.queue, EVENTS, pattern, nowait=True)
    await channel.exchange_declare(EVENTS, exchange_type="topic", passive=True)
