"""How many models wait for their price."""

from __future__ import annotations

from functools import partial
from typing import Final

from prometheus_client import Gauge

from atelier.data.database import Database
from atelier.telemetry.metrics import REGISTRY
from atelier.telemetry.readings import Reading
from atelier.usecases import price_requests

pricing_waiting: Final = Gauge(
    "atelier_pricing_waiting",
    "Models that have no price yet; source: shop or partner.",
    ("source",),
    registry=REGISTRY,
)


def of_models(mes: Database) -> Reading:
    """Those that somebody has asked a price of."""
    return Reading("models", partial(_count, mes), (pricing_waiting,))


async def _count(mes: Database) -> None:
    async with mes.session() as session:
        waiting = await price_requests.waiting(session)
    for source, count in waiting.items():
        pricing_waiting.labels(source).set(count)
