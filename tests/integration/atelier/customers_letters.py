"""Customers with orders, and the letters that are due to them."""

from __future__ import annotations

from uuid import UUID, uuid4

import sqlalchemy as sa

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Email, Order
from atelier.mail import due
from atelier.messaging.event import Event
from atelier.usecases import orders
from tests.integration.atelier.wire import MODEL


async def registered(shop: Database, language: str = "en") -> Customer:
    name = {"en": "Anna", "ru": "Анна"}[language]
    customer = Customer(
        email=f"{uuid4().hex}@example.org",
        name=name,
        language=language,
        password_hash="-",
        confirmed_at=now(),
    )
    async with shop.session() as session:
        session.add(customer)
    return customer


async def submitted(shop: Database, customer: Customer) -> Order:
    actor = f"customer:{customer.id}"
    async with shop.session() as session:
        order = await orders.start(session, customer.id)
        await orders.attach_model(session, order, MODEL, actor)
        return await orders.submit(session, order, "gold-585", "satin", actor)


def cancelled(customer: Customer, order_id: UUID | None = None) -> Event:
    """About an order of hers, or about one that nobody has."""
    return Event(
        type="order.cancelled",
        order_id=order_id or uuid4(),
        actor=f"customer:{customer.id}",
        data={"from": "CONFIRMED", "reason": None},
    )


async def due_letters(shop: Database, number: int = 1) -> list[UUID]:
    """Ids of orders about each of which a letter is due."""
    customer = await registered(shop)
    found = []
    for _ in range(number):
        order = await submitted(shop, customer)
        async with shop.session() as session:
            await due.handle(session, cancelled(customer, order.id), lambda: None)
        found.append(order.id)
    return found


async def letters(shop: Database) -> list[Email]:
    async with shop.session() as session:
        return list(await session.scalars(sa.select(Email).order_by(Email.created_at)))
