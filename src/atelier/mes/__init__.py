"""The MES: where operators see the work and move it through production."""

from __future__ import annotations

from atelier.messaging.topology import Subscription
from atelier.service import Command, Service

SERVICE = Service(
    name="mes",
    title="Atelier MES",
    port=8004,
    place="Workshop",
    home="/work",
    databases=("mes",),
    command=Command("readmodel", "The list of work, as it is kept in Redis."),
    subscriptions=(Subscription("mes.orders", ("order.#",), "mes"),),
)
