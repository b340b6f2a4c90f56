"""The internet shop: what a customer sees."""

from __future__ import annotations

from atelier.mail import kinds
from atelier.messaging.topology import Subscription
from atelier.service import Service

SERVICE = Service(
    name="shop",
    title="Atelier shop",
    port=8001,
    home="/orders",
    databases=("shop",),
    subscriptions=(
        Subscription("shop.orders", ("pricing.#", "work.#"), "shop"),
        Subscription("shop.prices", ("metal.#",), "shop"),
        Subscription("shop.mail", kinds.EVENTS, "shop"),
    ),
)
