"""The partner API, version 1: webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from atelier.data.shop import Delivery, Partner, WebhookDelivery, WebhookEndpoint
from atelier.languages import gettext_lazy as _
from atelier.partner.access import KnownPartner
from atelier.partner.api import LINK, Cursor, Limit, next_page
from atelier.partner.problems import (
    NO_DELIVERY,
    NO_WEBHOOK,
    NOT_JSON,
    TOO_MANY_WEBHOOKS,
    TOO_MUCH_TEXT,
    WRONG_PAGE,
    WRONG_URL,
    answered,
    problems,
)
from atelier.partner.webhooks import endpoints
from atelier.partner.webhooks.addresses import LONGEST_URL, AddressRefused, checked_url
from atelier.partner.webhooks.signing import secret_of
from atelier.web.bodies import json_body, read_json
from atelier.web.paging import page_of
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

_LOCATION: Final = {"description": "Where the webhook is found.", "schema": {"type": "string"}}

router = APIRouter(prefix="/api/v1/webhooks", tags=["Webhooks"])


class NewWebhook(BaseModel):
    """Where you want to be told of your orders."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=LONGEST_URL,
        pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[1-9][0-9]{0,4})?(/[!-~]*)?$",
        description="An address of yours on the public internet, by https or http.",
        examples=["https://orders.example.com/atelier"],
    )


class WebhookLinks(BaseModel):
    """Where to go from here."""

    model_config = ConfigDict(serialize_by_alias=True)

    webhook: str = Field(serialization_alias="self")
    deliveries: str


class WebhookDocument(BaseModel):
    """An address that is told of each step of your orders."""

    id: UUID
    url: str
    created_at: datetime
    links: WebhookLinks


class CreatedWebhook(WebhookDocument):
    """A new webhook with its signing secret, which is shown this once."""

    secret: str = Field(
        description="`whsec_` and the base64 of the key that webhooks are signed with. Keep it."
    )


class WebhookList(BaseModel):
    """Your webhooks, oldest first."""

    webhooks: list[WebhookDocument]


class DeliveryLinks(BaseModel):
    """Where to go from here."""

    redeliver: str


class DeliveryDocument(BaseModel):
    """One event for one webhook, and what has become of it."""

    id: UUID
    event_id: UUID = Field(description="The `Webhook-Id` that it is sent with.")
    type: str = Field(examples=["order.price_calculated"])
    order_id: UUID
    state: Delivery = Field(
        description="`PENDING` until your server answers with a status from 200 to 299, then "
        "`DELIVERED`; `PARKED` when it has not for about a day."
    )
    attempts: int
    next_attempt_at: datetime | None = Field(description="While it is `PENDING`.")
    last_status: int | None = Field(description="The status of your server's last answer.")
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None
    links: DeliveryLinks


class DeliveriesPage(BaseModel):
    """A page of deliveries, newest first. `next` is the address of the page after it."""

    deliveries: list[DeliveryDocument]
    next: str | None


@router.post(
    "",
    status_code=201,
    summary="Add a webhook",
    openapi_extra=json_body(NewWebhook),
    responses={
        201: answered("Added. The secret is shown this once.", Location=_LOCATION),
        **problems(
            409,
            413,
            415,
            422,
            instead={409: TOO_MANY_WEBHOOKS, 413: TOO_MUCH_TEXT, 415: NOT_JSON, 422: WRONG_URL},
        ),
    },
)
async def add_webhook(
    request: Request, response: Response, partner: KnownPartner
) -> CreatedWebhook:
    """From now on, this address is told of each step of each of your orders."""
    wanted = await read_json(request, NewWebhook)
    settings = connections_of(request).settings
    try:
        url = checked_url(wanted.url, private_allowed=settings.webhook_private_addresses)
    except AddressRefused as refused:
        raise Refusal(
            422, "webhook-url-refused", _("Address refused"), _("url: %(fault)s.", fault=refused)
        ) from None
    async with connections_of(request).shop.session() as session:
        endpoint = await endpoints.add(session, partner.id, url)
    if endpoint is None:
        raise Refusal(
            409,
            "too-many-webhooks",
            _("Too many webhooks"),
            _(
                "You have %(most)s webhooks, which is the most. Delete one that you do not need "
                "any more.",
                most=endpoints.MOST,
            ),
        )
    document = CreatedWebhook(
        **_document(endpoint).model_dump(by_alias=False),
        secret=secret_of(endpoint.id, settings.secret_key),
    )
    response.headers["Location"] = document.links.webhook
    return document


@router.get(
    "", summary="List your webhooks", responses={200: answered("All of them."), **problems()}
)
async def list_webhooks(request: Request, partner: KnownPartner) -> WebhookList:
    """Your webhooks, oldest first, without their secrets."""
    async with connections_of(request).shop.session() as session:
        found = await endpoints.endpoints_of(session, partner.id)
    return WebhookList(webhooks=[_document(endpoint) for endpoint in found])


@router.get(
    "/{webhook_id}",
    summary="See a webhook",
    responses={
        200: answered("The webhook."),
        **problems(404, 422, instead={404: NO_WEBHOOK}),
    },
)
async def see_webhook(request: Request, partner: KnownPartner, webhook_id: UUID) -> WebhookDocument:
    """The webhook, without its secret."""
    async with connections_of(request).shop.session() as session:
        return _document(await _own(session, partner, webhook_id))


@router.delete(
    "/{webhook_id}",
    status_code=204,
    summary="Delete a webhook",
    responses={
        204: answered("Deleted."),
        **problems(404, 422, instead={404: NO_WEBHOOK}),
    },
)
async def delete_webhook(request: Request, partner: KnownPartner, webhook_id: UUID) -> None:
    """The address is told of nothing more, and its deliveries are forgotten."""
    async with connections_of(request).shop.session() as session:
        await endpoints.remove(session, await _own(session, partner, webhook_id))


@router.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries",
    responses={
        200: answered("A page of deliveries.", Link=LINK),
        **problems(404, 422, instead={404: NO_WEBHOOK, 422: WRONG_PAGE}),
    },
)
async def list_deliveries(
    request: Request,
    response: Response,
    partner: KnownPartner,
    webhook_id: UUID,
    state: Annotated[
        Delivery | None, Query(description="Only those in this state; without it, in any.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeliveriesPage:
    """What this webhook was told, newest first, by the page."""
    async with connections_of(request).shop.session() as session:
        endpoint = await _own(session, partner, webhook_id)
        found = await page_of(
            session,
            endpoints.deliveries_to(endpoint, state),
            WebhookDelivery.created_at,
            WebhookDelivery.id,
            cursor=cursor,
            limit=limit,
        )
    return DeliveriesPage(
        deliveries=[_delivery(delivery) for delivery in found.rows],
        next=next_page(request, response, found.next),
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Deliver again",
    responses={
        202: answered("It is being sent."),
        **problems(404, 422, instead={404: NO_DELIVERY}),
    },
)
async def redeliver(
    request: Request, partner: KnownPartner, webhook_id: UUID, delivery_id: UUID
) -> DeliveryDocument:
    """Sends one event again, with the same `Webhook-Id`, whether it was parked or delivered."""
    async with connections_of(request).shop.session() as session:
        endpoint = await _own(session, partner, webhook_id)
        again = await endpoints.deliver_again(session, endpoint, delivery_id)
    if again is None:
        raise Refusal(
            404,
            "delivery-not-found",
            _("No such delivery"),
            _("There is no delivery %(delivery)s to this webhook.", delivery=delivery_id),
        )
    return _delivery(again)


async def _own(session: AsyncSession, partner: Partner, webhook_id: UUID) -> WebhookEndpoint:
    endpoint = await endpoints.endpoint_of(session, partner.id, webhook_id)
    if endpoint is None:
        raise Refusal(
            404,
            "webhook-not-found",
            _("No such webhook"),
            _("You have no webhook %(webhook)s.", webhook=webhook_id),
        )
    return endpoint


def _document(endpoint: WebhookEndpoint) -> WebhookDocument:
    here = f"/api/v1/webhooks/{endpoint.id}"
    return WebhookDocument(
        id=endpoint.id,
        url=endpoint.url,
        created_at=endpoint.created_at,
        links=WebhookLinks(webhook=here, deliveries=f"{here}/deliveries"),
    )


def _delivery(delivery: WebhookDelivery) -> DeliveryDocument:
    here = f"/api/v1/webhooks/{delivery.endpoint_id}/deliveries/{delivery.id}"
    pending = delivery.state is Delivery.PENDING
    return DeliveryDocument(
        id=delivery.id,
        event_id=delivery.event_id,
        type=delivery.event_type,
        order_id=delivery.order_id,
        state=delivery.state,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at if pending else None,
        last_status=delivery.last_status,
        last_error=delivery.last_error,
        created_at=delivery.created_at,
        delivered_at=delivery.delivered_at,
        links=DeliveryLinks(redeliver=f"{here}/redeliver"),
    )
