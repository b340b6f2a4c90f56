"""A customer's own account: name, language of pages and letters, password."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier import security
from atelier.data.shop import Customer
from atelier.domain import people
from atelier.languages import LANGUAGES, LazyText
from atelier.languages import gettext_lazy as _
from atelier.shop.accounts import SignedIn, name_fault, password_fault
from atelier.web.choosing_language import keep_in_browser
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal, page
from atelier.web.scope import connections_of
from atelier.web.sessions import begin, see_other

_INCOMPLETE: Final = Refusal(
    422,
    "account-incomplete",
    _("Not quite there"),
    _("Please correct what is marked below:"),
)

router = APIRouter()


@router.get("/account")
async def show_account(request: Request, customer: SignedIn, saved: str = "") -> Response:
    """Both forms, filled in; `saved` names the one that was just sent."""
    return _account_page(request, customer, saved=saved)


@router.post("/account")
async def change_account(request: Request, customer: SignedIn) -> Response:
    """Changes name and language."""
    async with form(request) as fields:
        name, language = text(fields, "name", strip=False), text(fields, "language")
    faults: dict[str, LazyText] = {}
    if fault := name_fault(name):
        faults["name"] = fault
    if language not in LANGUAGES:
        faults["language"] = _("Choose one of: %(names)s.", names=", ".join(LANGUAGES.values()))
    if faults:
        return _account_page(request, customer, faults=faults)
    await _change(request, customer, name=people.clean_name(name), language=language)
    response = see_other("/account?saved=account")
    keep_in_browser(request, response, language)
    return response


@router.post("/account/password")
async def change_password(request: Request, customer: SignedIn) -> Response:
    """Takes a new password from whoever knows the old one."""
    async with form(request) as fields:
        old = text(fields, "old-password", strip=False)
        new = text(fields, "new-password", strip=False)
    cost = connections_of(request).settings.password_cost
    faults: dict[str, LazyText] = {}
    if not await security.verify_password_aside(customer.password_hash, old, cost):
        faults["old-password"] = _("This is not your current password.")
    if fault := password_fault(new):
        faults["new-password"] = fault
    if faults:
        return _account_page(request, customer, faults=faults)
    changed = await _change(
        request,
        customer,
        password_hash=await security.hash_password_aside(new, cost),
        # Whoever else is signed in with the old one, is no more.
        session_version=Customer.session_version + 1,
    )
    response = begin(request, changed)
    response.headers["location"] = "/account?saved=password"
    return response


async def _change(request: Request, customer: Customer, **values: Any) -> Customer:
    """The customer, changed."""
    async with connections_of(request).shop.session() as session:
        changed = (
            sa.update(Customer)
            .where(Customer.id == customer.id)
            .values(**values)
            .returning(Customer)
        )
        return (await session.scalars(changed)).one()


def _account_page(
    request: Request,
    customer: Customer,
    *,
    faults: dict[str, LazyText] | None = None,
    saved: str = "",
) -> Response:
    return page(
        request,
        "account.html",
        refusal=_INCOMPLETE if faults else None,
        faults=faults or {},
        saved=saved,
        customer=customer,
        languages=LANGUAGES,
        by_link=connections_of(request).settings.shop_address is not None,
        password_length=security.PASSWORD_LENGTH.start,
    )
