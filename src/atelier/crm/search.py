"""Finds orders and customers, by the page and by indexes only: there may be millions of both.

A text is looked for in several columns of several tables. Whom it names is found first, so that
the orders themselves are chosen by conditions on one table, each with an index of its own; which
of them to use, or to walk the newest orders until a page is full, PostgreSQL decides by how
frequent each is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from atelier.data.shop import Customer, Order, Partner
from atelier.domain.lifecycle import State
from atelier.languages import gettext_lazy
from atelier.usecases.overdue import is_overdue
from atelier.usecases.sent_back import is_sent_back
from atelier.web.paging import Page, page_of
from atelier.web.refusal import Refusal

PAGE: Final = 50
SHORTEST: Final = 3
"""Letters that a text must have: the indexes know texts by three letters in a row."""

_NAMED = 500  # of more people than this, it is not their orders that are looked for

_TOO_SHORT: Final = Refusal(
    422,
    "search-too-short",
    gettext_lazy("Too little to search for"),
    gettext_lazy(
        "Type at least %(shortest)s letters or digits of what you look for.", shortest=SHORTEST
    ),
)


@dataclass(frozen=True)
class Wanted:
    """Which orders: all that is given must fit. `sent_back` is whether a seller has sent them back
    to where they stand, None for either.

    `text` is a part of the number, of the reference, or of the name or e-mail address of whoever
    ordered.
    """

    text: str = ""
    state: State | None = None
    customer: UUID | None = None
    partner: UUID | None = None
    overdue: bool = False
    sent_back: bool | None = None

    @property
    def is_everything(self) -> bool:
        return self == Wanted()


async def find_orders(
    session: AsyncSession,
    wanted: Wanted,
    *,
    at: datetime,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Order]:
    """Newest first, of those that have a model: others were begun by opening a page, once.

    Raises Refusal for a text that is too short, and for a foreign cursor.
    """
    query = sa.select(Order).options(joinedload(Order.customer), joinedload(Order.partner))
    query = query.where(Order.model_checksum.is_not(None))
    if text := _text(wanted.text):
        query = query.where(await _mentions(session, text))
    if wanted.state is not None:
        query = query.where(Order.state == wanted.state)
    if wanted.customer is not None:
        query = query.where(Order.customer_id == wanted.customer)
    if wanted.partner is not None:
        query = query.where(Order.partner_id == wanted.partner)
    if wanted.overdue:
        query = query.where(is_overdue(at))
    if wanted.sent_back is not None:
        query = query.where(is_sent_back() if wanted.sent_back else ~is_sent_back())
    return await page_of(session, query, Order.created_at, Order.id, cursor=cursor, limit=limit)


async def find_customers(
    session: AsyncSession, text: str = "", *, cursor: str | None = None, limit: int = PAGE
) -> Page[Customer]:
    """Those whose name or e-mail address has `text` in it, newest first. Raises Refusal."""
    query = sa.select(Customer)
    if text := _text(text):
        query = query.where(_named(text))
    return await page_of(
        session, query, Customer.created_at, Customer.id, cursor=cursor, limit=limit
    )


async def partners(session: AsyncSession) -> Sequence[Partner]:
    """All of them, by name: there are few."""
    return (await session.scalars(sa.select(Partner).order_by(Partner.name))).all()


async def _mentions(session: AsyncSession, text: str) -> sa.ColumnElement[bool]:
    customers = sa.select(Customer.id).where(_named(text))
    found = (await session.scalars(customers.limit(_NAMED + 1))).all()
    companies = (await session.scalars(sa.select(Partner.id).where(_has(Partner.name, text)))).all()
    return sa.or_(
        _has(Order.number, text),
        _has(Order.reference, text),
        # Of so many, the newest orders belong to one anyway: no list of people helps.
        Order.customer_id.in_(found if len(found) <= _NAMED else customers),
        Order.partner_id.in_(companies),
    )


def _named(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(_has(Customer.email, text), _has(Customer.name, text))


def _has(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], text: str
) -> sa.ColumnElement[bool]:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return column.ilike(f"%{text}%")


def _text(given: str) -> str:
    text = " ".join(given.split())
    if text and len(text) < SHORTEST:
        raise _TOO_SHORT
    return text
