"""The shop as an application, and what runs of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from atelier.connections import Connections
from atelier.data.shop import Customer
from atelier.mail import due
from atelier.mail.composing import Letterhead
from atelier.mail.sender import Sender
from atelier.mail.transport import transport
from atelier.messaging.gauges import of_outbox
from atelier.parts import Parts
from atelier.shop import (
    SERVICE,
    accounts,
    catalogue,
    confirmation,
    gauges,
    new_piece,
    order_models,
    pages,
    passwords,
    profile,
    studio,
)
from atelier.usecases import metal_prices, orders
from atelier.web.application import create_app
from atelier.web.choosing_language import choice_routes
from atelier.web.rendering import Pages

_PAGES = Pages(SERVICE, Path(__file__).parent / "templates")


def create(connections: Connections) -> FastAPI:
    """The shop on the given databases and file store."""
    app = create_app(SERVICE, connections, pages=_PAGES)
    app.include_router(choice_routes(Customer, lambda connections: connections.shop))
    app.include_router(accounts.router)
    # /orders/new before /orders/{number}.
    for part in (new_piece, pages, order_models):
        app.include_router(part.router)
    for part in (profile, passwords, confirmation, catalogue, studio):
        app.include_router(part.router)
    return app


def parts(connections: Connections) -> Parts:
    """Its pages, the consumers of its queues, and the sender of letters, where mail is set up."""
    sender = _sender(connections)
    return Parts(
        application=partial(create, connections),
        handlers={
            "shop.orders": orders.handle,
            "shop.prices": metal_prices.handle,
            "shop.mail": partial(due.handle, written=_nothing if sender is None else sender.wake),
        },
        workers=() if sender is None else (sender,),
        readings=(
            of_outbox(connections.shop),
            gauges.of_orders(connections.shop),
            gauges.of_letters(connections.shop),
        ),
    )


def _sender(connections: Connections) -> Sender | None:
    settings = connections.settings
    if settings.mail is None:
        return None
    head = Letterhead(
        settings.mail_from, settings.shop_address, settings.secret_key, settings.time_zone
    )
    return Sender(connections.shop, transport(settings.mail), head)


def _nothing() -> None:
    """Without a mail server nobody sends the letter that was written down: it waits."""
