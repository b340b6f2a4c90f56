"""What a gram of each metal costs, and from when on.

The list is pricing's, in the `mes` database; `PriceList` is what a process remembers of it. The
shop is told of every price by event and keeps a copy to show. Our prices are EUR per gram of
finished alloy, including casting loss.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data import mes, shop
from atelier.data.database import Database
from atelier.domain.metals import metal
from atelier.messaging import outbox
from atelier.messaging.event import Event
from atelier.messaging.handler import Refused

SET = "metal.price_set"
"""The event; its data are id, metal, price_per_gram and valid_from."""

_CENT = Decimal("0.01")
_HIGHEST = Decimal(100_000)  # EUR; no metal costs that, but a slip of the keyboard does


class BadPrice(Exception):
    """Nobody can charge this; the text says why."""


class NoPrice(Exception):
    """The metal has no price at that moment."""

    def __init__(self, metal_code: str, moment: datetime) -> None:
        super().__init__(f"{metal_code} has no price on {moment:%Y-%m-%d %H:%M} UTC")


@dataclass(frozen=True)
class MetalPrice:
    id: int
    metal: str
    price_per_gram: Decimal
    valid_from: datetime

    @classmethod
    def of(cls, row: mes.MetalPrice) -> MetalPrice:
        return cls(row.id, row.metal, row.price_per_gram, row.valid_from)


def valid(prices: Iterable[MetalPrice], moment: datetime) -> Mapping[str, MetalPrice]:
    """By metal, the price that is valid at `moment`: of those that have begun the one that began
    last, and of several that began at once the one that was set last."""
    begun = [price for price in prices if price.valid_from <= moment]
    return {price.metal: price for price in sorted(begun, key=lambda p: (p.valid_from, p.id))}


class PriceList:
    """The list as this process remembers it: read when it is needed, forgotten when it changes.

    Who listens to the database calls `forget` for each notification, and when it may have missed
    one. A price is used from its own beginning on, whether anybody is told of that moment or not.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reading = asyncio.Lock()
        self._known: Sequence[MetalPrice] | None = None
        self._changes = 0

    def forget(self) -> None:
        """Read the list again before it is used the next time."""
        self._changes += 1
        self._known = None

    async def at(self, metal_code: str, moment: datetime) -> MetalPrice:
        """Raises NoPrice."""
        async with self._reading:
            if (known := self._known) is None:
                changes = self._changes
                async with self._database.session() as session:
                    known = [MetalPrice.of(row) for row in await listed(session)]
                # What changed while it was read may not be in it.
                self._known = known if changes == self._changes else None
        found = valid(known, moment).get(metal_code)
        if found is None:
            raise NoPrice(metal_code, moment)
        return found


def acceptable(price_per_gram: Decimal) -> Decimal:
    """The same with two places. Raises BadPrice."""
    if not (price_per_gram.is_finite() and _CENT <= price_per_gram < _HIGHEST):
        raise BadPrice(f"A gram costs at least {_CENT} and less than {_HIGHEST:,} EUR.")
    if price_per_gram != (rounded := price_per_gram.quantize(_CENT)):
        raise BadPrice("A price has two places at most.")
    return rounded


async def listed(session: AsyncSession) -> Sequence[mes.MetalPrice]:
    """All prices that ever were or will be, by metal and beginning; in the `mes` database."""
    order = (mes.MetalPrice.metal, mes.MetalPrice.valid_from, mes.MetalPrice.id)
    return (await session.scalars(sa.select(mes.MetalPrice).order_by(*order))).all()


async def set_price(
    session: AsyncSession, metal_code: str, price_per_gram: Decimal, valid_from: datetime
) -> mes.MetalPrice:
    """From `valid_from` on, a gram costs this much. Raises UnknownMetal, BadPrice.

    What has been calculated already stays as it is.
    """
    price = mes.MetalPrice(
        metal=metal(metal_code).code,
        price_per_gram=acceptable(price_per_gram),
        valid_from=valid_from,
    )
    session.add(price)
    await session.flush()
    await outbox.append(
        session,
        Event(
            type=SET,
            order_id=_subject(price.metal),
            actor="pricing",
            data={
                "id": price.id,
                "metal": price.metal,
                "price_per_gram": str(price.price_per_gram),
                "valid_from": price.valid_from.isoformat(),
            },
        ),
    )
    return price


async def handle(session: AsyncSession, event: Event) -> None:
    """Note in the `shop` database what pricing tells of its prices. Raises Refused."""
    if event.type != SET:
        raise Refused(f"the shop's price list does not know events of type {event.type!r}")
    await session.execute(
        insert(shop.MetalPrice)
        .values(
            id=event.data["id"],
            metal=event.data["metal"],
            price_per_gram=Decimal(event.data["price_per_gram"]),
            valid_from=datetime.fromisoformat(event.data["valid_from"]),
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )


async def shown(session: AsyncSession) -> Mapping[str, Decimal]:
    """What the shop shows: by metal, the price of a gram now, from the `shop` database."""
    begun = sa.select(shop.MetalPrice).where(shop.MetalPrice.valid_from <= now())
    newest = begun.distinct(shop.MetalPrice.metal).order_by(
        shop.MetalPrice.metal, shop.MetalPrice.valid_from.desc(), shop.MetalPrice.id.desc()
    )
    return {price.metal: price.price_per_gram for price in await session.scalars(newest)}


def _subject(metal_code: str) -> UUID:
    """Events of one subject keep their order; elsewhere that is an order, here it is a metal."""
    return uuid5(NAMESPACE_URL, f"urn:atelier:metal:{metal_code}")
