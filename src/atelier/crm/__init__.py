"""The CRM: where sellers find, approve and close orders."""

from __future__ import annotations

from atelier.languages import gettext_lazy
from atelier.service import Service

SERVICE = Service(
    name="crm",
    title="Atelier CRM",
    port=8003,
    place=gettext_lazy("Sales desk"),
    home="/orders",
    databases=("shop",),
)
