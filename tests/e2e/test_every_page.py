"""Every page of shop, CRM and MES, in both languages, on a desk and on a telephone: nobody is kept
out, nothing scrolls sideways, and no Russian page tells anything in English.

The pages are those of the services' route tables, so that a new one cannot be forgotten. With
TOUCHSTONE_PICTURES=folder each leaves a picture there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import Customer
from atelier.domain.lifecycle import State
from atelier.languages import LANGUAGES
from fixtures.accessibility import barriers
from fixtures.company import LOCALES, Company
from fixtures.english_left import english_left
from fixtures.model_files import model_file
from fixtures.prepared_orders import customers_order_in_state
from fixtures.routes import applications, routes_of
from touchstone.browser.fixtures import Browse

PARAMETER: Final = re.compile(r"{(\w+)}")
NO_PAGE: Final = re.compile(
    r"\.png$|\.json$|/(api|health|static)(/|$)|/(model|status|shape|estimate|metrics|stream)$"
)
"""Addresses of pictures, files, documents and of parts of pages."""
MORE: Final[Mapping[str, list[str]]] = {
    "shop": ["/studio?width=20&seat=bezel&stone=9", "/nowhere"],
    "crm": ["/orders?q=nobody", "/customers?q=nobody", "/nowhere"],
    "mes": ["/nowhere"],
}
"""What the same pages look like where something is wrong or missing."""


@pytest.fixture
def values(company: Company) -> Mapping[str, list[str]]:
    """What each parameter of an address stands for."""
    company.has_customer("Anna")
    shop = company.shop_forms_of("Anna")
    numbers = [shop.begin(model_file("the generated ring")).number]
    for state in (State.PRICE_CALCULATED, State.MANUFACTURING_APPROVED):
        numbers.append(customers_order_in_state(state, shop, company.systems).number)
    with Session(company.shop_database) as session:
        anna = session.scalars(sa.select(Customer.id)).one()
    return {"number": numbers, "customer_id": [str(anna)], "code": ["linden"]}


def paths(company: Company, service: str, values: Mapping[str, list[str]]) -> Iterator[str]:
    """The addresses of a service's pages."""
    for route in routes_of(applications(company.sandbox)):
        name, method, path = route.split(" ")
        if (name, method) != (service, "GET") or NO_PAGE.search(path):
            continue
        (parameter,) = PARAMETER.findall(path) or [""]
        for value in values[parameter] if parameter else [""]:
            yield PARAMETER.sub(value, path)
    yield from MORE[service]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("service", MORE)
def test_every_page_is_for_everybody(
    company: Company,
    browse: Browse,
    values: Mapping[str, list[str]],
    service: str,
    language: str,
) -> None:
    with Session(company.shop_database) as session, session.begin():
        session.execute(sa.update(Customer).values(language=language))
    home = company.sandbox.services[service]
    cookies = {
        "shop": company.customer("Anna").shop.cookies,
        "crm": company.accounts.seller("Boris").cookies,
        "mes": company.accounts.operator("Vera").cookies,
    }[service]
    page = browse("a reader", locale=LOCALES[language])
    page.context.add_cookies(
        [{"name": name, "value": value, "url": home} for name, value in cookies.items()]
    )
    found, seen = [], 0
    for path in paths(company, service, values):
        page.goto(home + path)
        told = page.locator("html").get_attribute("lang")
        if told != language:
            found.append(f"{path}: is in {told!r}")
        found += barriers(page, f"{service}{path.replace('/', '_').replace('?', '-')}-{language}")
        if language != "en":
            found += [f"{path}: {text}" for text in english_left(page.content(), language)]
        seen += 1

    assert not found, "\n".join(found)
    assert seen > 4
