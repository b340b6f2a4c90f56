"""Exchanges and queues of the platform, and how they are declared.

atelier.events (topic) ──▶ shop.orders, shop.prices, shop.mail, partner.events, mes.orders,
                           pricing.calculations
retry.<ms> (fanout) ──▶ queue retry.<ms>, whose time to live gives the message back to the
                        default exchange, and so to the queue that its routing key names
<queue>.dead            what could not be handled, for a person to look into
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def retry(delay: float) -> str:
    """The exchange, and the queue, of messages that wait `delay` seconds."""
    return f"retry.{round(delay * 1000)}"


def dead(queue: str) -> str:
    """The dead-letter queue of `queue`."""
    return f"{queue}.dead"


async def declare(channel: AbstractChannel, delays: Sequence[float]) -> None:
    """Every process declares everything, so that no event is published before each queue that
    wants it is there. What exists already stays as it is.

    Pipelined: nothing is waited for but the last answer, which follows all the others.
    """
    await channel.exchange_declare(EVENTS, exchange_type="topic", durable=True, nowait=True)
    for queue, patterns in QUEUES.items():
        await channel.queue_declare(dead(queue), durable=True, nowait=True)
        await channel.queue_declare(queue, durable=True, nowait=True)
        for pattern in patterns:
            await channel.queue_bind(queue, EVENTS, pattern, nowait=True)
    for delay in set(delays):
        name = retry(delay)
        await channel.exchange_declare(name, exchange_type="fanout", durable=True, nowait=True)
        await channel.queue_declare(
            name,
            durable=True,
            nowait=True,
            arguments={
                "x-message-ttl": round(delay * 1000),
                "x-dead-letter-exchange": "",
            },
        )
        await channel.queue_bind(name, name, nowait=True)
    await channel.exchange_declare(EVENTS, exchange_type="topic", passive=True)
