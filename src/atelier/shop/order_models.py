"""The model of an order, for its customer to look at."""

from __future__ import annotations

from starlette.requests import Request

from atelier.shop.accounts import SignedIn
from atelier.usecases import orders
from atelier.web.model_pictures import ShownModel
from atelier.web.model_view import NO_MODEL, model_routes
from atelier.web.scope import connections_of


async def _own_model(request: Request, customer: SignedIn, number: str) -> ShownModel:
    """Raises OrderNotFound for somebody else's order, too, and Refusal while there is no model."""
    async with connections_of(request).shop.session() as session:
        order = await orders.by_number(session, number)
    if order is None or order.customer_id != customer.id:
        raise orders.OrderNotFound(number)
    if order.model_checksum is None:
        raise NO_MODEL
    return ShownModel(order.number, order.model_checksum, order.metal)


router = model_routes("/orders/{number}", _own_model)
