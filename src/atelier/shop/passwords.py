"""Where whoever has forgotten the password asks for a letter, and chooses another with it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from atelier import security
from atelier.data.database import Database
from atelier.domain import people
from atelier.languages import LazyText, verbatim
from atelier.languages import gettext_lazy as _
from atelier.mail import resetting
from atelier.mail.resetting import Outcome
from atelier.messaging.handler import DATABASE_GONE
from atelier.shop.accounts import Visitor, password_fault
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal, page
from atelier.web.scope import connections_of
from atelier.web.throttling import Attempt

_REFUSALS: Final = {
    Outcome.USED: Refusal(
        410,
        "reset-used",
        _("This letter was used already"),
        _(
            "The password was changed after we had sent it. Sign in with the new one, or ask for "
            "another letter."
        ),
    ),
    Outcome.ENDED: Refusal(
        410,
        "reset-ended",
        _("This letter is too old"),
        _("What it holds worked for an hour. Ask for another letter."),
    ),
    Outcome.UNKNOWN: Refusal(
        422,
        "reset-unknown",
        _("This is not a code of ours"),
        _("Copy the code, or open the link, once more as it stands in our letter."),
    ),
}
_INCOMPLETE: Final = Refusal(
    422,
    "password-incomplete",
    _("Not quite there"),
    _("Please correct what is marked below:"),
)

router = APIRouter()
_log = structlog.get_logger(__name__)


@router.get("/password/forgotten")
async def show_forgotten(request: Request, __: Visitor) -> Response:
    """The empty form."""
    return _forgotten_page(request)


@router.post("/password/forgotten")
async def forgotten(request: Request, __: Visitor) -> Response:
    """Has a letter sent where there is such an account, and tells nobody whether there is: the
    answer is the same, and the letter is written down once it was given."""
    async with form(request) as fields:
        typed = text(fields, "email")
    try:
        address = people.normal_address(typed)
    except people.BadAddress as refusal:
        return _forgotten_page(request, typed, fault=verbatim(str(refusal)))
    shop = connections_of(request).shop
    async with shop.session() as session:
        customer = await resetting.account_of(session, address)
    response = _forgotten_page(request, typed, asked=True)
    if customer is not None:
        response.background = BackgroundTask(_ask, shop, customer)
    return response


@router.get("/password/new")
async def show_new(request: Request, __: Visitor, code: str = "") -> Response:
    """Asks for the password, or says what is wrong with the code before anybody types one."""
    if not code:
        return _new_page(request)
    connections = connections_of(request)
    secret = connections.settings.secret_key
    async with connections.shop.session() as session:
        outcome, _customer = await resetting.look(
            session, security.read_reset_code(code, secret), secret
        )
    # Where the code is wrong it is to be typed anew, and not to be kept unseen.
    return _new_page(request, "" if outcome is Outcome.UNKNOWN else code, outcome)


@router.post("/password/new")
async def choose(request: Request, __: Visitor) -> Response:
    """Takes the new password from whoever has the letter."""
    async with form(request) as fields:
        code = text(fields, "code")
        password = text(fields, "new-password", strip=False)
    connections = connections_of(request)
    secret = connections.settings.secret_key
    reset = security.read_reset_code(code, secret)
    if reset is None:
        return _new_page(request, "", Outcome.UNKNOWN)
    if fault := password_fault(password):
        return _new_page(request, code, fault=fault)
    hashed = await security.hash_password_aside(password, connections.settings.password_cost)
    async with connections.shop.session() as session:
        outcome, customer = await resetting.change(session, reset, secret, hashed)
    if customer is None:
        return _new_page(request, "", outcome)
    # Who has guessed in vain before may sign in now.
    await Attempt.at(request, customer.email).forget()
    request.state.person = None
    return page(request, "new_password.html", done=True)


async def _ask(shop: Database, customer: UUID) -> None:
    try:
        async with shop.session() as session:
            await resetting.ask(session, customer)
    except DATABASE_GONE as error:
        _log.warning("letter for a new password not written", reason=type(error).__name__)


def _forgotten_page(
    request: Request, email: str = "", *, fault: LazyText | None = None, asked: bool = False
) -> Response:
    return page(
        request,
        "forgotten.html",
        refusal=_INCOMPLETE if fault else None,
        faults={"email": fault} if fault else {},
        email=email,
        asked=asked,
        by_link=connections_of(request).settings.shop_address is not None,
    )


def _new_page(
    request: Request, code: str = "", outcome: Outcome = Outcome.GOOD, fault: LazyText | None = None
) -> Response:
    """Without the form where the code is good for nothing any more."""
    return page(
        request,
        "new_password.html",
        refusal=_INCOMPLETE if fault else _REFUSALS.get(outcome),
        faults={"new-password": fault} if fault else {},
        code=code,
        over=outcome in (Outcome.USED, Outcome.ENDED),
        done=False,
        password_length=security.PASSWORD_LENGTH.start,
    )
