"""Where a customer confirms that the address is theirs, and asks for another letter."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier import security
from atelier.languages import gettext_lazy as _
from atelier.languages import ngettext_lazy
from atelier.mail import confirming
from atelier.mail.confirming import Outcome
from atelier.shop.accounts import SignedIn, Visitor
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal, page
from atelier.web.scope import connections_of
from atelier.web.sessions import see_other

_REFUSALS: Final = {
    Outcome.USED: Refusal(
        410,
        "confirmation-used",
        _("This letter was used already"),
        _("The address is confirmed, and there is nothing left to do."),
    ),
    Outcome.ENDED: Refusal(
        410,
        "confirmation-ended",
        _("This letter is too old"),
        _(
            "What it holds worked for two days. Sign in and ask for another on the page of your "
            "account."
        ),
    ),
    Outcome.UNKNOWN: Refusal(
        422,
        "confirmation-unknown",
        _("This is not a code of ours"),
        _("Copy the code, or open the link, once more as it stands in our letter."),
    ),
}
_NO_MORE: Final = Refusal(
    429,
    "confirmation-asked-often",
    _("We have written already"),
    ngettext_lazy(
        "We send at most %(count)s such letter a day. Please look among your unwanted mail, and "
        "try again tomorrow.",
        "We send at most %(count)s such letters a day. Please look among your unwanted mail, and "
        "try again tomorrow.",
        confirming.MOST_A_DAY,
    ),
    headers={"Retry-After": str(24 * 3600)},
)

router = APIRouter()


@router.get("/confirm")
async def show_confirmation(request: Request, __: Visitor, code: str = "") -> Response:
    """Asks before it confirms: programs that look into letters open each link."""
    return page(request, "confirm.html", code=code, outcome=None)


@router.post("/confirm")
async def confirm(request: Request, __: Visitor) -> Response:
    """The address is confirmed, or it is said why not."""
    async with form(request) as fields:
        code = text(fields, "code")
    connections = connections_of(request)
    letter = security.read_confirmation_code(code, connections.settings.secret_key)
    async with connections.shop.session() as session:
        outcome = await confirming.confirm(session, letter)
    refusal = _REFUSALS.get(outcome)
    return page(request, "confirm.html", refusal=refusal, code="", outcome=outcome.value)


@router.post("/account/confirmation")
async def ask_again(request: Request, customer: SignedIn) -> Response:
    """Another letter."""
    async with connections_of(request).shop.session() as session:
        asked = await confirming.ask(session, customer.id)
    if not asked and customer.confirmed_at is None:
        raise _NO_MORE
    return see_other("/account?saved=confirmation")
