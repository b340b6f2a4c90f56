"""Customers' accounts: registering, signing in and out, and who sends a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from atelier import security
from atelier.data.shop import Customer
from atelier.domain import people
from atelier.languages import LazyText, language, ngettext_lazy, verbatim
from atelier.languages import gettext_lazy as _
from atelier.mail import confirming
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal, page
from atelier.web.scope import connections_of
from atelier.web.sessions import begin, recognised, signed_in
from atelier.web.sign_in import sign_in_routes


async def _visitor(request: Request) -> Customer | None:
    return await recognised(request, connections_of(request).shop, Customer)


async def _customer(request: Request) -> Customer:
    return await signed_in(request, connections_of(request).shop, Customer)


Visitor = Annotated[Customer | None, Depends(_visitor)]
SignedIn = Annotated[Customer, Depends(_customer)]


@dataclass(frozen=True)
class Registration:
    """What somebody typed who wants an account."""

    name: str
    email: str
    password: str

    def faults(self) -> dict[str, LazyText]:
        """What is wrong, by field; empty when all is well."""
        found: dict[str, LazyText] = {}
        if fault := name_fault(self.name):
            found["name"] = fault
        try:
            people.normal_address(self.email)
        except people.BadAddress as refusal:
            found["email"] = verbatim(str(refusal))
        if fault := password_fault(self.password):
            found["password"] = fault
        return found


def name_fault(name: str) -> LazyText | None:
    """What is wrong with a customer's name."""
    try:
        people.clean_name(name)
    except people.BadName as refusal:
        return verbatim(str(refusal))
    return None


def password_fault(password: str) -> LazyText | None:
    """What is wrong with a new password."""
    if len(password) < security.PASSWORD_LENGTH.start:
        return ngettext_lazy(
            "The password has %(count)s character; it needs at least %(least)s.",
            "The password has %(count)s characters; it needs at least %(least)s.",
            len(password),
            least=security.PASSWORD_LENGTH.start,
        )
    if len(password) >= security.PASSWORD_LENGTH.stop:
        return ngettext_lazy(
            "The password may have at most %(count)s character.",
            "The password may have at most %(count)s characters.",
            security.PASSWORD_LENGTH.stop - 1,
        )
    return None


_INCOMPLETE: Final = Refusal(
    422,
    "registration-incomplete",
    _("Not quite there"),
    _("Please correct what is marked below:"),
)
_TAKEN: Final = Refusal(
    409,
    "e-mail-taken",
    _("There is already an account with this e-mail"),
    _("Sign in with it, or register with another address."),
)

router = sign_in_routes(
    Customer,
    lambda connections: connections.shop,
    template="sign_in_shop.html",
    welcome=_("Good to see you again."),
)


@router.get("/register")
async def show_registration(request: Request) -> Response:
    """The empty form."""
    return _registration_page(request, Registration("", "", ""))


@router.post("/register")
async def register(request: Request) -> Response:
    """Makes the account and signs in."""
    async with form(request) as fields:
        given = Registration(
            name=text(fields, "name", strip=False),
            email=text(fields, "email"),
            password=text(fields, "password", strip=False),
        )
    if faults := given.faults():
        return _registration_page(request, given, _INCOMPLETE, faults)
    connections = connections_of(request)
    customer = Customer(
        name=people.clean_name(given.name),
        email=people.normal_address(given.email),
        password_hash=await security.hash_password_aside(
            given.password, connections.settings.password_cost
        ),
        language=language(),
    )
    try:
        async with connections.shop.session() as session:
            session.add(customer)
            await session.flush()
            await confirming.ask(session, customer.id)
    except IntegrityError:
        return _registration_page(request, given, _TAKEN)
    return begin(request, customer)


def _registration_page(
    request: Request,
    given: Registration,
    refusal: Refusal | None = None,
    faults: dict[str, LazyText] | None = None,
) -> Response:
    return page(
        request,
        "register.html",
        refusal=refusal,
        faults=faults or {},
        name=given.name,
        email=given.email,
        password_length=security.PASSWORD_LENGTH.start,
    )
