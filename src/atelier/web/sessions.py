"""Who is signed in: the session cookie of a service, and the way to its sign-in page."""

from __future__ import annotations

import re
from typing import Final, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from atelier.data.database import Database
from atelier.data.mes import Operator
from atelier.data.shop import Customer, Seller
from atelier.languages import gettext_lazy as _
from atelier.languages import speak
from atelier.security import SESSION_SECONDS, read_session, sign_session
from atelier.web.refusal import Refusal, respond, wants_document
from atelier.web.scope import address_of, connections_of, service_of

Person = TypeVar("Person", Customer, Seller, Operator)

# A path of ours and, after a question mark, what can name no other site any more: a path in it is
# looked at again by the page that reads it.
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9_/-]*)?(?:\?[A-Za-z0-9_.~%=&+*/-]*)?")
_LONGEST_PATH: Final = 2000


class SignInRequired(Exception):
    """Nobody is signed in where somebody has to be."""


async def recognised(request: Request, database: Database, people: type[Person]) -> Person | None:
    """The person who sends `request`, one of the table `people`; None when nobody is signed in.

    Asked on the primary, since an account may be a moment old. The pages know them as `person`.
    """
    service = service_of(request)
    cookie = request.cookies.get(service.cookie)
    secret = connections_of(request).settings.secret_key
    begun = None if cookie is None else read_session(service.name, cookie, secret)
    if begun is None:
        return None
    async with database.session() as session:
        person: Person | None = await session.get(people, begun.user_id)
    if person is None or person.session_version != begun.version:
        return None
    request.state.person = person
    if person.language is not None:
        speak(person.language)
    return person


async def signed_in(request: Request, database: Database, people: type[Person]) -> Person:
    """Like `recognised`, where somebody has to be signed in. Raises SignInRequired."""
    person = await recognised(request, database, people)
    if person is None:
        raise SignInRequired
    return person


def begin(request: Request, person: Customer | Seller | Operator) -> Response:
    """Signs `person` in and leads on to where they wanted to go."""
    service = service_of(request)
    response = see_other(wanted_path(request, service.home))
    response.set_cookie(
        service.cookie,
        sign_session(
            service.name,
            person.id,
            connections_of(request).settings.secret_key,
            person.session_version,
        ),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


async def end(request: Request, database: Database, people: type[Person]) -> Response:
    """Signs out, back to the start. All sessions of the account end, wherever they are: a cookie
    that somebody has copied is worth nothing any more."""
    person = await recognised(request, database, people)
    if person is not None:
        async with database.session() as session:
            await session.execute(
                sa.update(people)
                .where(people.id == person.id)
                .values(session_version=people.session_version + 1)
            )
    response = see_other("/")
    response.delete_cookie(service_of(request).cookie, httponly=True, samesite="lax")
    return response


async def ask_to_sign_in(request: Request, __: Exception) -> Response:
    """Answers SignInRequired: a page leads to sign-in and from there back, an API says 401."""
    if wants_document(request):
        return respond(request, _NO_SESSION)
    if "hx-request" in request.headers:
        # As a redirect, the sign-in page would be swapped into the middle of the old one.
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    if request.method != "GET":
        return see_other("/sign-in")
    return see_other(sign_in_path(address_of(request)))


def sign_in_path(back_to: str) -> str:
    """The sign-in page that leads to `back_to` afterwards."""
    return f"/sign-in?next={quote(back_to, safe='/')}"


def see_other(path: str) -> RedirectResponse:
    """Sends the browser on with a GET, as after every form that did something."""
    return RedirectResponse(path, status_code=303)


_NO_SESSION: Final = Refusal(
    401,
    "sign-in-required",
    _("Sign in first"),
    _("The request carries no valid session cookie."),
)


def wanted_path(request: Request, home: str) -> str:
    """Where a sign-in leads: to `next` of the query where that is a path of ours, or else home."""
    return path_or(request.query_params.get("next", home), home)


def path_or(path: str, home: str) -> str:
    """`path` where that is a path of ours, or else `home`."""
    # Browsers take `//host`, and a `\\` or a tab in it, for another site.
    return path if len(path) <= _LONGEST_PATH and _PATH.fullmatch(path) else home
