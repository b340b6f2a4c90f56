"""Signing in by e-mail and password, and out: the same for customers, sellers and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier.connections import Connections
from atelier.data.database import Database
from atelier.domain.people import known_address
from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _
from atelier.security import verify_password_aside
from atelier.web import throttling
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal, page
from atelier.web.scope import connections_of
from atelier.web.sessions import Person, begin, end

_WRONG: Final = Refusal(
    401,
    "sign-in-refused",
    _("You are not signed in"),
    _("The e-mail or the password is not right."),
)


def sign_in_routes(
    people: type[Person],
    database: Callable[[Connections], Database],
    *,
    welcome: LazyText,
    template: str = "sign_in.html",
) -> APIRouter:
    """/sign-in and /sign-out for the accounts in the table `people` of `database`."""
    router = APIRouter()

    def sign_in_page(request: Request, email: str = "", refusal: Refusal | None = None) -> Response:
        return page(request, template, refusal=refusal, email=email, welcome=welcome)

    @router.get("/sign-in")
    async def show_sign_in(request: Request) -> Response:
        return sign_in_page(request)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        async with form(request) as fields:
            typed = text(fields, "email")
            password = text(fields, "password", strip=False)
        connections = connections_of(request)
        email = known_address(typed)
        attempt = throttling.Attempt.at(request, email)
        await attempt.begin()
        async with database(connections).session() as session:
            person = await session.scalar(sa.select(people).where(people.email == email))
        stored = None if person is None else person.password_hash
        cost = connections.settings.password_cost
        # Not known and not right take the same time and get the same answer.
        if not await verify_password_aside(stored, password, cost) or person is None:
            attempt.count("wrong")
            return sign_in_page(request, typed, _WRONG)
        await attempt.succeed()
        return begin(request, person)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        return await end(request, database(connections_of(request)), people)

    return router
