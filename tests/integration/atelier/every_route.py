"""What there is to ask each route of each service for, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Final, NamedTuple

from atelier.domain.lifecycle import State
from fixtures.actors.partner import Partner
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.model_files import model_file
from fixtures.prepared_orders import order_in_state
from touchstone.waiting import eventually

_FILE: Final = "/static/atelier.css"


class WhatThereIs(NamedTuple):
    """`values` for the words in braces of each service's routes, the session of each person who
    signs in, and the key of each partner."""

    values: Mapping[str, Mapping[str, str]]
    sessions: Mapping[str, Mapping[str, str]]
    keys: Mapping[str, str]


def path_of(template: str, values: Mapping[str, str]) -> str:
    """The path of a route, with the values for its service filled in."""
    return _FILE if template == "/static" else template.format(**values)


def what_there_is(company: Company) -> WhatThereIs:
    """A customer's order and a partner's order to ask about, and people who ask."""
    customer = company.accounts.customer("Anna")
    with closing(ShopForms(company.sandbox.services["shop"], customer.cookies)) as forms:
        own = forms.begin(model_file("the generated ring")).number
    sender = company.works_with_partner("Meridian")
    company.closing.callback(sender.wants_to_be_told().stop)
    placed = order_in_state(State.PRICE_CALCULATED, sender, company.systems)
    (anna,) = eventually(lambda: company.systems.crm_client.find_customers(customer.email))
    values = {
        "shop": {"number": own, "code": "aurora"},
        "partner": {"order_id": sender.sees(placed.number).id or "", **_kept_for(sender)},
        "crm": {"number": placed.number, "act": "approve", "customer_id": anna},
        "mes": {"number": placed.number, "act": "take"},
    }
    sessions = {
        "customer": customer.cookies,
        "another customer": company.accounts.customer("Daria").cookies,
        "seller": company.accounts.seller("Boris").cookies,
        "operator": company.accounts.operator("Clara").cookies,
    }
    keys = {
        "partner": sender.client.key or "",
        "another partner": company.accounts.partner_key("Goldfinch"),
    }
    return WhatThereIs(values, sessions, keys)


def _kept_for(partner: Partner) -> dict[str, str]:
    """An estimate, a webhook, a delivery and a spare key of the partner's."""
    estimate = partner.client.ask_for_estimate(model_file("the generated ring"), "silver-925")
    [webhook] = partner.client.document("/api/v1/webhooks")["webhooks"]
    deliveries = partner.client.document(webhook["links"]["deliveries"])["deliveries"]
    return {
        "estimate_id": estimate.rpartition("/")[2],
        "webhook_id": webhook["id"],
        "delivery_id": deliveries[0]["id"],
        "key_id": partner.client.make_key("spare")["id"],
    }
