"""Pricing: from a submitted order's model to its price, or to the reason why there is none.

What asks for a price becomes a request in the `mes` database, in one transaction with the note that
the event was consumed. A request is claimed, its model measured, and the answer written with its
event while the request is deleted, in one transaction again: so a request is answered once, and
none is lost wherever a process dies.

An order whose model is replaced is submitted again. Each of its submissions has an answer of its
own, which says of which it is; of an older one than is known nobody wants to hear any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.mes import Calculation, CalculationLane, CalculationRequest
from atelier.domain import pricing
from atelier.domain.fairness import Head, choose, lane_of
from atelier.domain.finishes import USUAL, finish
from atelier.domain.metals import metal
from atelier.domain.models3d import ModelRejected, Solid
from atelier.domain.pricing import Basis, Quote
from atelier.languages import ENGLISH, speaking
from atelier.languages.keeping import to_dict
from atelier.messaging import outbox
from atelier.messaging.event import Event
from atelier.messaging.handler import Refused
from atelier.telemetry import tracing
from atelier.usecases.metal_prices import MetalPrice
from atelier.usecases.submissions import submission_of

QUEUE = "pricing.calculations"

_ESTIMATE = "estimate.requested"
_TURN = 0x0FA1B  # any number, but the same in every process

_HEADS = sa.text(
    """
    WITH alive AS MATERIALIZED (
        SELECT application_name FROM pg_stat_activity WHERE datname = current_database()
    )
    SELECT lane.name AS lane, head.id AS request_id, lane.served_at, (
        SELECT count(*) FROM calculation_request AS other
        WHERE other.lane = lane.name
        AND other.claimed_by IN (SELECT application_name FROM alive)
    ) AS in_work, NOT EXISTS (
        SELECT FROM calculation_request AS other
        WHERE other.lane = lane.name AND other.id != head.id
    ) AS alone
    FROM calculation_lane AS lane CROSS JOIN LATERAL (
        SELECT id FROM calculation_request AS request
        WHERE request.lane = lane.name AND request.not_before <= now()
        AND request.id != ALL (:in_hand)
        AND (claimed_by IS NULL OR claimed_by NOT IN (SELECT application_name FROM alive))
        ORDER BY id LIMIT 1
    ) AS head
    """
)


@dataclass(frozen=True)
class Measured:
    """What is known when a price can be set."""

    solid: Solid
    price: MetalPrice


async def handle(session: AsyncSession, event: Event) -> None:
    """Note that a price is asked for, or that it is not wanted any more. Raises Refused."""
    if event.type == "order.cancelled":
        await session.execute(
            sa.delete(CalculationRequest).where(CalculationRequest.order_id == event.order_id)
        )
        return
    if event.type not in ("order.submitted", _ESTIMATE):
        raise Refused(f"pricing does not know events of type {event.type!r}")
    submission = submission_of(event)
    if await _is_answered(session, event.order_id, submission):
        return
    # Not changed but taken out, so that whoever measures its model now has nothing to answer.
    await session.execute(
        sa.delete(CalculationRequest).where(
            CalculationRequest.order_id == event.order_id,
            CalculationRequest.submission < submission,
        )
    )
    lane = lane_of(event.actor)
    await session.execute(insert(CalculationLane).values(name=lane).on_conflict_do_nothing())
    await session.execute(
        insert(CalculationRequest)
        .values(
            order_id=event.order_id,
            submission=submission,
            lane=lane,
            event=event.to_dict(),
            traceparent=tracing.header(),
        )
        .on_conflict_do_nothing(index_elements=["order_id"])
    )


async def claim(
    session: AsyncSession, holder: str, *, in_hand: list[int], spare_only: bool
) -> tuple[CalculationRequest, Head] | None:
    """The request whose turn it is, for the process whose connection is called `holder`.

    None when nobody's turn it is. `in_hand` are the ids that the process works on already, and
    `spare_only` says that it has only its spare worker left.
    """
    # One decision at a time, so that each sees the ones before it.
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
    rows = await session.execute(_HEADS, {"in_hand": in_hand})
    chosen = choose([Head(**row) for row in rows.mappings()], spare_only=spare_only)
    if chosen is None:
        return None
    await session.execute(
        sa.update(CalculationLane)
        .where(CalculationLane.name == chosen.lane)
        .values(served_at=sa.func.clock_timestamp())
    )
    request = await session.scalar(
        sa.update(CalculationRequest)
        .where(CalculationRequest.id == chosen.request_id)
        .values(claimed_by=holder, claimed_at=now(), attempts=CalculationRequest.attempts + 1)
        .returning(CalculationRequest)
    )
    return None if request is None else (request, chosen)


async def answer(session: AsyncSession, request_id: int, found: Measured | ModelRejected) -> None:
    """Write the price, or why there is none, and tell it; once, and only while it is wanted.

    Raises UnknownMetal, UnknownFinish.
    """
    request = await taken(session, request_id)
    if request is None:
        return
    await session.delete(request)
    asked = Event.from_dict(request.event)
    submission = submission_of(asked)
    if await _is_answered(session, asked.order_id, submission):
        return
    finish_code = asked.data.get("finish") or USUAL
    values: dict[str, Any]
    data: dict[str, Any]
    if isinstance(found, ModelRejected):
        values = {
            "failure_code": found.code,
            "failure": (told := _in_english(found)),
            "failure_message": found.reason,
        }
        name = "failed"
        data = {"code": found.code, "reason": told, "message": to_dict(found.reason)}
    else:
        basis, quote = price(found, asked.data["metal"], finish_code)
        values = {
            "triangles": found.solid.triangles,
            "metal_price_id": found.price.id,
            "finish_code": finish_code,
            **_columns(basis, quote),
        }
        name, data = "price_calculated", _told(quote)
    if asked.type == _ESTIMATE:
        name = f"estimate.{name.removeprefix('price_')}"
    else:
        session.add(
            Calculation(
                order_id=asked.order_id,
                submission=submission,
                model_checksum=asked.data["model_checksum"],
                metal=asked.data["metal"],
                **values,
            )
        )
        name, data = f"pricing.{name}", {**data, "submission": submission}
    await outbox.append(
        session, Event(type=name, order_id=asked.order_id, actor="pricing", data=data)
    )


async def _is_answered(session: AsyncSession, order_id: UUID, submission: int) -> bool:
    """Whether this submission of the order has its answer, or a later one has."""
    found = sa.exists().where(
        Calculation.order_id == order_id, Calculation.submission >= submission
    )
    return bool(await session.scalar(sa.select(found)))


def price(found: Measured, metal_code: str, finish_code: str) -> tuple[Basis, Quote]:
    """The price of a measured model, and what it is based on, with or without an order.

    Raises UnknownMetal, UnknownFinish.
    """
    basis = pricing.basis(
        found.solid.volume_mm3,
        metal(metal_code),
        found.price.price_per_gram,
        finish(finish_code),
    )
    return basis, pricing.calculate(basis)


def _in_english(rejected: ModelRejected) -> str:
    """For those who do not know the message."""
    with speaking(ENGLISH):
        return str(rejected)


def _told(quote: Quote) -> dict[str, str]:
    """A price as events tell it."""
    return {
        "volume_mm3": str(quote.volume_mm3),
        "weight_g": str(quote.weight_g),
        "price": str(quote.total),
        "metal_cost": str(quote.metal_cost),
        "making": str(quote.making),
        "finish_cost": str(quote.finish),
    }


async def priced(session: AsyncSession) -> Sequence[Calculation]:
    """All prices that were found, oldest first."""
    query = sa.select(Calculation).where(Calculation.total.is_not(None))
    return (await session.scalars(query.order_by(Calculation.calculated_at))).all()


def quote_of(kept: Calculation) -> Quote:
    """The price that was found."""
    figures: dict[str, Any] = {
        name: getattr(kept, name)
        for name in ("volume_mm3", "weight_g", "metal_cost", "making", "finish", "total")
    }
    return Quote(**figures)


def calculated_again(kept: Calculation) -> Quote:
    """The price that follows today from all that the kept one was calculated from."""
    basis: dict[str, Any] = {
        "making": kept.making_of_any,
        **{
            name: getattr(kept, name)
            for name in (
                "volume_mm3",
                "density",
                "price_per_gram",
                "making_per_gram",
                "finish",
                "formula",
            )
        },
    }
    return pricing.calculate(Basis(**basis))


async def waiting(session: AsyncSession) -> Mapping[str, int]:
    """How many models have no price yet, by source: "shop" or "partner"."""
    query = sa.select(CalculationRequest.lane, sa.func.count()).group_by(CalculationRequest.lane)
    found = {"shop": 0, "partner": 0}
    for lane, count in await session.execute(query):
        found[lane.partition(":")[0]] += count
    return found


async def taken(session: AsyncSession, request_id: int) -> CalculationRequest | None:
    """The request, locked; None when it was answered or withdrawn meanwhile."""
    return await session.get(CalculationRequest, request_id, with_for_update=True)


async def postpone(session: AsyncSession, request_id: int, delay: float, error: str) -> None:
    """Let the request be claimed again after `delay` seconds."""
    await session.execute(
        sa.update(CalculationRequest)
        .where(CalculationRequest.id == request_id)
        .values(claimed_by=None, not_before=now() + timedelta(seconds=delay), error=error)
    )


async def give_back(session: AsyncSession, request_id: int) -> None:
    """Let the request be claimed again at once, as if this time had not been."""
    await session.execute(
        sa.update(CalculationRequest)
        .where(CalculationRequest.id == request_id)
        .values(claimed_by=None, attempts=CalculationRequest.attempts - 1)
    )


def _columns(basis: Basis, quote: Quote) -> dict[str, Any]:
    return {
        "volume_mm3": basis.volume_mm3,
        "density": basis.density,
        "price_per_gram": basis.price_per_gram,
        "making_of_any": basis.making,
        "making_per_gram": basis.making_per_gram,
        "formula": basis.formula,
        "weight_g": quote.weight_g,
        "metal_cost": quote.metal_cost,
        "making": quote.making,
        "finish": quote.finish,
        "total": quote.total,
    }
