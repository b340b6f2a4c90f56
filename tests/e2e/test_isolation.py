"""Two scenarios cannot see each other: each has a whole company of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from playwright.sync_api import Page

from atelier.domain.lifecycle import State
from fixtures.abilities import ActRefused
from fixtures.company import Company, WayIn
from fixtures.model_files import model_file
from fixtures.systems import reconcile
from touchstone.keeper.client import KeeperClient


@pytest.fixture
def other_company(keeper: KeeperClient) -> Iterator[Company]:
    """The company of a scenario that runs at the same time."""
    allocation = keeper.sandbox(None)

    def no_window(person: str) -> Page:
        raise LookupError(f"{person} needs no window here")

    with ExitStack() as closing:
        closing.callback(keeper.release, allocation.sandbox)
        note = partial(keeper.note, allocation.sandbox)
        yield Company(allocation.sandbox, WayIn.API, no_window, note, closing)


def test_the_same_person_is_a_new_customer_in_each_company(
    company: Company, other_company: Company
) -> None:
    anna = {"name": "Anna", "email": "anna@example.com", "password": "an emerald, please"}

    def register(at: Company) -> int:
        return httpx.post(f"{at.sandbox.services['shop']}/register", data=anna).status_code

    assert register(company) == httpx.codes.SEE_OTHER
    assert register(other_company) == httpx.codes.SEE_OTHER
    # Within one company the address is taken: the two above were no accident.
    assert register(company) == httpx.codes.CONFLICT


def test_an_order_of_one_company_is_unknown_in_the_other(
    company: Company, other_company: Company
) -> None:
    partner = company.works_with_partner("Meridian")
    order = partner.orders_a_piece(model_file("the generated ring"), "silver-925")
    company.was_accepted(order, to="Meridian")
    company.ledger.told(partner.sees_as(State.PRICE_CALCULATED, order.number))
    reconcile(company.systems, company.ledger, company.as_its_owner)

    there = other_company.systems
    assert there.sightings(other_company.ledger, other_company.as_its_owner) == []
    assert there.orders_in_shop() == 0
    for look in (there.crm_client.order, there.mes_client.order):
        with pytest.raises(ActRefused) as refused:
            look(order.number)
        assert refused.value.status == httpx.codes.NOT_FOUND


def test_a_key_of_one_company_opens_nothing_in_the_other(
    company: Company, other_company: Company
) -> None:
    key = company.works_with_partner("Meridian").client.key
    impostor = other_company.is_called_by("Meridian", key)

    with pytest.raises(ActRefused) as refused:
        impostor.orders_a_piece(model_file("the generated ring"), "silver-925")

    assert refused.value.status == httpx.codes.UNAUTHORIZED
