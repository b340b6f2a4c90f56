"""The partner API, version 1: price estimates."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response
from starlette.requests import Request

from atelier.data.shop import Estimate
from atelier.languages import gettext_lazy as _
from atelier.partner import pieces
from atelier.partner.access import KnownPartner
from atelier.partner.documents import EstimateDocument, estimate_document
from atelier.partner.problems import NO_ESTIMATE, WRONG_PIECE, answered, problems
from atelier.usecases import estimates
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

_LOCATION: Final = {"description": "Where the estimate is found.", "schema": {"type": "string"}}

router = APIRouter(prefix="/api/v1/estimates", tags=["Estimates"])


@router.post(
    "",
    status_code=202,
    summary="Ask for an estimate",
    openapi_extra=pieces.body(with_reference=False),
    responses={
        202: answered("Accepted. The price is being calculated.", Location=_LOCATION),
        **problems(413, 415, 422, instead={422: WRONG_PIECE}),
    },
)
async def ask_for_estimate(
    request: Request, response: Response, partner: KnownPartner
) -> EstimateDocument:
    """Takes a model, a metal and a finish, and says what the piece would cost, without an order.

    The estimate is found at its location for a day.
    """
    piece = await pieces.read_piece(request)
    async with connections_of(request).shop.session() as session:
        estimate = await estimates.ask(session, partner.id, piece.model, piece.metal, piece.finish)
    document = _document(estimate)
    response.headers["Location"] = document.links.estimate
    return document


@router.get(
    "/{estimate_id}",
    summary="See an estimate",
    responses={
        200: answered("The estimate."),
        **problems(404, 422, instead={404: NO_ESTIMATE}),
    },
)
async def see_estimate(
    request: Request, partner: KnownPartner, estimate_id: UUID
) -> EstimateDocument:
    """The estimate as it is now: `PENDING`, `CALCULATED` with a price or `FAILED` with the reason
    why there is none."""
    async with connections_of(request).shop.session() as session:
        estimate = await estimates.find(session, partner.id, estimate_id)
    if estimate is None:
        raise Refusal(
            404,
            "estimate-not-found",
            _("No such estimate"),
            _(
                "There is no estimate %(estimate)s. Estimates are kept for a day; ask for a new "
                "one.",
                estimate=estimate_id,
            ),
        )
    return _document(estimate)


def _document(estimate: Estimate) -> EstimateDocument:
    return estimate_document(estimate, estimate.created_at + estimates.KEPT_FOR)
