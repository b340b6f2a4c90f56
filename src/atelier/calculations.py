"""Pricing: from a submitted order's model to its price, or to the reason why there is none."""

from __future__ import annotations

import asyncio

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.mes import Calculation
from atelier.domain.finishes import finish
from atelier.domain.metals import metal
from atelier.domain.models3d import ModelRejected, measure
from atelier.domain.pricing import quote
from atelier.files import ModelStore
from atelier.messaging import outbox
from atelier.messaging.consumer import Refused
from atelier.messaging.event import Event


async def handle(session: AsyncSession, event: Event, models: ModelStore) -> None:
    """Price one order once, whatever the number of times it is asked. Raises Refused.

    A model that no price can be given for is an answer, too. A model that is not in the store is
    a fault of ours: FileNotFoundError goes through, to be tried again and then looked into.
    """
    if event.type != "order.submitted":
        raise Refused(f"pricing does not know events of type {event.type!r}")
    found: dict[str, object]
    try:
        # Measuring takes seconds for a large model; the event loop has others to serve.
        solid = await asyncio.to_thread(measure, await models.read(event.data["model_checksum"]))
    except ModelRejected as fault:
        found = {"failure_code": fault.code, "failure": str(fault)}
        name, answer = "failed", {"code": fault.code, "reason": str(fault)}
    else:
        price = quote(solid.volume_mm3, metal(event.data["metal"]), finish(event.data["finish"]))
        found = {
            "triangles": solid.triangles,
            "volume_mm3": price.volume_mm3,
            "weight_g": price.weight_g,
            "metal_cost": price.metal_cost,
            "making": price.making,
            "finish": price.finish,
            "total": price.total,
        }
        name = "price_calculated"
        answer = {
            "volume_mm3": str(price.volume_mm3),
            "weight_g": str(price.weight_g),
            "price": str(price.total),
            "metal_cost": str(price.metal_cost),
            "making": str(price.making),
            "finish_cost": str(price.finish),
        }
    first = await session.scalar(
        insert(Calculation)
        .values(
            order_id=event.order_id,
            model_checksum=event.data["model_checksum"],
            metal=event.data["metal"],
            **found,
        )
        .on_conflict_do_nothing(index_elements=["order_id"])
        .returning(Calculation.order_id)
    )
    if first is not None:
        await outbox.append(
            session,
            Event(type=f"pricing.{name}", order_id=event.order_id, actor="pricing", data=answer),
        )
