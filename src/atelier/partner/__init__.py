"""The API for partner companies."""

from __future__ import annotations

from atelier.messaging.topology import Subscription
from atelier.service import Service

SERVICE = Service(
    name="partner",
    title="Atelier partner API",
    port=8002,
    place="Partners",
    speaks_json=True,
    databases=("shop",),
    subscriptions=(
        Subscription(
            "partner.events", ("order.#", "estimate.calculated", "estimate.failed"), "shop"
        ),
    ),
)
