"""Exchanges and queues of the platform, and how they are declared.

atelier.events (topic) ──▶ shop.orders, shop.prices, shop.mail, partner.events, mes.orders,
                           pricing.calculations

Queues hold what nobody has taken yet, and nothing else: what cannot be handled waits in the inbox
of its consumer's database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from aiormq.abc import AbstractChannel

EVENTS = "atelier.events"

QUEUES: Mapping[str, Sequence[str]] = {
    "shop.orders": ("pricing.#", "work.#"),
    "shop.prices": ("metal.#",),
    # The steps that customers get letters about, see `atelier.mail.kinds`.
    "shop.mail": (
        "order.price_calculated",
        "order.pricing_failed",
        "order.manufacturing_approved",
        "order.shipped",
        "order.cancelled",
        "work.cancellation_refused",
    ),
    "partner.events": ("order.#", "estimate.calculated", "estimate.failed"),
    "mes.orders": ("order.#",),
    "pricing.calculations": ("order.submitted", "order.cancelled", "estimate.requested"),
}


def database_of(queue: str) -> Literal["shop", "mes"]:
    """The database that the consumer of `queue` writes to."""
    return "shop" if queue.startswith(("shop.", "partner.")) else "mes"


def wants(queue: str, type_: str) -> bool:
    """Whether events of this type are routed to `queue`."""
    return any(
        type_.startswith(pattern.removesuffix("#")) if pattern.endswith("#") else type_ == pattern
        for pattern in QUEUES[queue]
    )


async def declare(channel: AbstractChannel) -> None:
    """Every process declares everything, so that no event is published before each queue that
    wants it is there. What exists already stays as it is.

    Pipelined: nothing is waited for but the last answer, which follows all the others.
    """
    await channel.exchange_declare(EVENTS, exchange_type="topic", durable=True, nowait=True)
    for queue, patterns in QUEUES.items():
        await channel.queue_declare(queue, durable=True, nowait=True)
        for pattern in patterns:
            await channel.queue_bind(queue, EVENTS, pattern, nowait=True)
    await channel.exchange_declare(EVENTS, exchange_type="topic", passive=True)
