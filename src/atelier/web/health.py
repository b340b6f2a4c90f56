"""Health routes: is the process alive, and can it work?"""

from __future__ import annotations

import asyncio
from typing import Final, Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from atelier.languages import gettext_lazy as _
from atelier.web.away import AGAIN_AFTER
from atelier.web.refusal import PROBLEM_MEDIA_TYPE, Refusal, problem
from atelier.web.scope import running_of

_PATIENCE: Final = 5.0  # seconds
_NOT_READY: Final = Refusal(
    503,
    "not-ready",
    _("Not ready"),
    _("A backing service cannot be used. The log says which."),
    headers={"Retry-After": str(AGAIN_AFTER)},
)

_log = structlog.get_logger("atelier.health")

router = APIRouter(tags=["Health"])


class Health(BaseModel):
    """What the process says of itself."""

    status: Literal["live", "ready"]


@router.get("/health/live", response_model=Health)
async def live() -> Response:
    """200 as long as the event loop turns."""
    return JSONResponse({"status": "live"})


@router.get(
    "/health/ready",
    response_model=Health,
    responses={
        503: {
            "description": "A backing service cannot be used.",
            "content": {
                PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}},
            },
        }
    },
)
async def ready(request: Request) -> Response:
    """200 when the databases and the broker can be used, 503 when not.

    `degraded` lists what is missed without being needed.
    """
    running = running_of(request)
    try:
        async with asyncio.timeout(_PATIENCE):
            await running.ready()
    except Exception as error:
        _log.warning("not ready", error=repr(error))
        return problem(request, _NOT_READY)
    return JSONResponse({"status": "ready", "degraded": running.degraded()})
