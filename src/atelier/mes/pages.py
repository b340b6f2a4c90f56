"""What an operator sees: the list of work, live, and each piece."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier.clock import now
from atelier.data.mes import FINAL, Operator, WorkOrder
from atelier.domain import promises
from atelier.domain.lifecycle import State
from atelier.languages import gettext_lazy
from atelier.mes import service
from atelier.web import order_progress
from atelier.web.forms import form, text
from atelier.web.live import without_news
from atelier.web.model_view import model_routes, thumbnail_route
from atelier.web.refusal import UNDERSTOOD, Refusal, page, refusal_of
from atelier.web.sessions import see_other
from atelier.web.sign_in import sign_in_routes

router = sign_in_routes(
    Operator,
    lambda connections: connections.mes,
    welcome=gettext_lazy("The workshop floor, for colleagues only."),
)
_signed_in = APIRouter()


@_signed_in.get("/")
async def start_page() -> Response:
    """Leads to the list of work."""
    return see_other("/work")


@_signed_in.get("/work")
async def work_page(request: Request, _: service.SignedIn) -> Response:
    """The list: its newest rows, and a script that brings all the others and the news."""
    return await _work_page(request)


@_signed_in.get("/work/{number}")
async def job_page(request: Request, _: service.SignedIn, number: str, seen: str = "") -> Response:
    """One piece; htmx looks for news with the version `seen` and gets 204 for none."""
    job = await service.look_up(request, number)
    return without_news(seen, _version(job.work)) or _job_page(request, job)


@_signed_in.post("/work/{number}/{act}")
async def act(
    request: Request, operator: service.SignedIn, number: str, act: service.Act
) -> Response:
    """Takes, completes, packs or ships a piece, from the list or from its own page."""
    async with form(request) as fields:
        from_list = text(fields, "back") == "list"
        tracking_number = text(fields, "tracking_number")
    try:
        await service.act(request, operator, number, act, tracking_number)
    except UNDERSTOOD as error:
        refusal = refusal_of(error)
        if from_list:
            return await _work_page(request, refusal)
        return _job_page(request, await service.look_up(request, number), refusal)
    return see_other("/work" if from_list else f"/work/{number}")


async def _work_page(request: Request, refusal: Refusal | None = None) -> Response:
    source = service.work_list_of(request).source
    beginning = await source.beginning()
    return page(
        request,
        "work.html",
        refusal=refusal,
        listed=beginning.rows,
        count=beginning.count,
        fast=source.fast,
        acts=service.NEXT,
        states=State,
        final=FINAL,
        is_overdue=promises.is_overdue,
        kept=promises.KEPT,
        now=now(),
    )


def _job_page(request: Request, job: service.Job, refusal: Refusal | None = None) -> Response:
    reached = [(entry.to_state, entry.occurred_at) for entry in job.history]
    return page(
        request,
        "job.html",
        refusal=refusal,
        work=job.work,
        version=_version(job.work),
        calculation=job.calculation,
        history=job.history,
        names=job.names,
        steps=order_progress.steps(reached),
        interval=order_progress.poll_interval(job.work.state),
        act=service.NEXT.get(job.work.state),
    )


def _version(work: WorkOrder) -> str:
    # Another address is no step.
    return f"{work.submission}.{work.sequence}.{work.address_version}"


router.include_router(_signed_in)
router.include_router(model_routes("/work/{number}", service.model))
router.include_router(thumbnail_route("/work/{number}", service.model))
