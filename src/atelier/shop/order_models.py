"""The model of an order, for its customer to look at: the file itself, and a picture of it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier.data.shop import Customer, Order
from atelier.shop.accounts import SignedIn
from atelier.shop.ring_renderer import painter, picture_of_model
from atelier.usecases import orders
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

# Both addresses carry the model's checksum, so what they lead to never changes; it is its owner's.
_KEPT: Final = {"Cache-Control": "private, max-age=31536000, immutable"}

router = APIRouter()


@router.get("/orders/{number}/model")
async def model_file(request: Request, customer: SignedIn, number: str) -> Response:
    """The STL file as it was uploaded or made."""
    _, content = await _model(request, customer, number)
    return Response(
        content,
        media_type="model/stl",
        headers={"Content-Disposition": f'attachment; filename="{number}.stl"', **_KEPT},
    )


@router.get("/orders/{number}/picture.png")
async def model_picture(request: Request, customer: SignedIn, number: str) -> Response:
    """The model as a picture, in the order's metal once that is chosen."""
    order, content = await _model(request, customer, number)
    painted = await painter.do(picture_of_model, content, order.metal)
    if painted is None:
        raise Refusal(404, "no-picture", "No picture", "Of this model we can draw no picture.")
    return Response(painted, media_type="image/png", headers=_KEPT)


async def _model(request: Request, customer: Customer, number: str) -> tuple[Order, bytes]:
    """Raises OrderNotFound for somebody else's order, too, and Refusal while there is no model."""
    connections = connections_of(request)
    async with connections.shop.session() as session:
        order = await orders.by_number(session, number)
    if order is None or order.customer_id != customer.id:
        raise orders.OrderNotFound(number)
    if order.model_checksum is None:
        raise Refusal(404, "no-model", "No model yet", "This order has no 3D model yet.")
    return order, await connections.models.read(order.model_checksum)
