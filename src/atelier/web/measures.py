"""/metrics, for Prometheus: what this process counts, of all its services together."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from atelier.telemetry.metrics import REGISTRY
from atelier.web.scope import running_of

# What a proxy adds. Prometheus asks the process itself, on the inner network.
_FROM_OUTSIDE: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "via")

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Without sign-in: it tells of nobody. To the public, behind a proxy, it is not there."""
    if any(name in request.headers for name in _FROM_OUTSIDE):
        raise HTTPException(404)
    await running_of(request).readings.refresh()
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
