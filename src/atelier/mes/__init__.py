"""The MES: where operators see the work and move it through production."""

from __future__ import annotations

from atelier.languages import gettext_lazy
from atelier.messaging.topology import Subscription
from atelier.service import Command, Service

SERVICE = Service(
    name="mes",
    title="Atelier MES",
    port=8004,
    place=gettext_lazy("Workshop"),
    home="/work",
    databases=("mes",),
    command=Command("readmodel", "The list of work, as it is kept in Redis."),
    subscriptions=(Subscription("mes.orders", ("order.#",), "mes"),),
)
