"""Pricing: a worker; over HTTP it only tells of its health."""

from __future__ import annotations

from atelier.messaging.topology import Subscription
from atelier.service import Command, Service

SERVICE = Service(
    name="pricing",
    title="Atelier pricing",
    port=8005,
    databases=("mes",),
    subscriptions=(
        Subscription(
            "pricing.calculations",
            ("order.submitted", "order.cancelled", "estimate.requested"),
            "mes",
        ),
    ),
    command=Command("prices", "What a gram of each metal costs."),
    forks=True,
)
