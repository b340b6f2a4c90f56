"""What a partner asks of the API, and what its answers must look like."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier import security
from atelier.data.shop import IdempotencyKey, Order
from fixtures import models
from fixtures.addresses import LEIPZIG
from fixtures.company import Company
from fixtures.factories import ApiKeyFactory, PartnerFactory
from touchstone.waiting import eventually

RING = models.as_binary_stl(models.ring())
OTHER_RING = models.as_binary_stl(models.ring(prongs=6))
HOME = {"address": dict(LEIPZIG)}
"""What a confirmation holds."""


def client(company: Company, name: str) -> httpx.Client:
    """A client of a new partner's, with the partner's key."""
    key = security.new_api_key()
    with Session(company.shop_database) as session:
        partner = PartnerFactory.create(session=session, name=name)
        ApiKeyFactory.create(session=session, partner_id=partner.id, key=key)
    return httpx.Client(
        base_url=company.sandbox.services["partner"], headers={"Authorization": f"Bearer {key}"}
    )


def place(
    http: httpx.Client,
    model: bytes = RING,
    *,
    key: str | None = None,
    name: str = "ring.stl",
    **fields: str,
) -> httpx.Response:
    return http.post(
        "/api/v1/orders",
        headers={"Idempotency-Key": key or str(uuid4())},
        files={"model": (name, model)},
        data={"metal": "gold-750", **fields},
    )


def order_in(http: httpx.Client, address: str, state: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        document: dict[str, Any] = http.get(address).raise_for_status().json()
        return document

    return eventually(
        look,
        until=lambda document: document["state"] == state,
        describe=f"{address} is {state}",
        show=lambda document: document["state"],
    )


def rows(company: Company, table: type[Order] | type[IdempotencyKey]) -> int:
    with Session(company.shop_database) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def assert_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"urn:atelier:problem:{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    return problem
