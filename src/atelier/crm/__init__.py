"""The CRM: where sellers find, approve and close orders."""

from __future__ import annotations

from atelier.service import Service

SERVICE = Service(
    name="crm",
    title="Atelier CRM",
    port=8003,
    place="Sales desk",
    home="/orders",
    databases=("shop",),
)
