"""The API for partner companies."""

from __future__ import annotations

from atelier.languages import verbatim
from atelier.messaging.topology import Subscription
from atelier.service import Command, Service

SERVICE = Service(
    name="partner",
    title="Atelier partner API",
    port=8002,
    place=verbatim("Partners"),
    speaks_json=True,
    command=Command("partner", "Partner companies, their API keys and limits."),
    databases=("shop",),
    subscriptions=(
        Subscription(
            "partner.events", ("order.#", "estimate.calculated", "estimate.failed"), "shop"
        ),
    ),
)
