"""Where a new piece begins: with the upload of its model, of which the order is made."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from atelier.languages import gettext_lazy as _
from atelier.shop.accounts import SignedIn
from atelier.storage.model_store import StoredModel
from atelier.usecases import orders
from atelier.web.forms import form
from atelier.web.refusal import UNDERSTOOD, Refusal, page, refusal_of
from atelier.web.scope import connections_of
from atelier.web.sessions import see_other

_NO_MODEL: Final = Refusal(
    422,
    "model-missing",
    _("No file chosen"),
    _("Choose the STL file of your model and upload it again."),
)

router = APIRouter()


@router.get("/orders/new")
async def new_piece_page(request: Request, __: SignedIn) -> Response:
    """Asks for the model of a new piece."""
    return _page(request)


@router.post("/orders")
async def begin_order(request: Request, customer: SignedIn) -> Response:
    """Makes an order of the STL file `model`; a file that is refused leaves nothing behind."""
    try:
        model = await uploaded_model(request)
    except UNDERSTOOD as error:
        return _page(request, refusal_of(error))
    async with connections_of(request).shop.session() as session:
        number = (await orders.begin(session, customer.id, model)).number
    return see_other(f"/orders/{number}")


async def uploaded_model(request: Request) -> StoredModel:
    """The file `model` of the form, kept. Raises Refusal, ModelRejected, StoreUnavailable."""
    connections = connections_of(request)
    limit = connections.settings.upload_limit
    async with form(request, file_limit=limit) as fields:
        model = fields.get("model")
        if not isinstance(model, UploadFile) or not model.filename:
            raise _NO_MODEL
        return await connections.models.save(model, limit)


def _page(request: Request, refusal: Refusal | None = None) -> Response:
    limit = connections_of(request).settings.upload_limit
    return page(request, "new_piece.html", refusal=refusal, upload_limit=limit)
