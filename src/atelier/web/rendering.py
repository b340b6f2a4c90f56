"""Pages from Jinja templates: where they are found, and how money, times and sizes are written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from atelier import company_time
from atelier.domain.finishes import FINISHES, USUAL
from atelier.domain.lifecycle import State
from atelier.domain.metals import METALS
from atelier.domain.ring_design import PLACE_NAMES, PROFILE_NAMES, SEAT_NAMES, SURFACE_NAMES
from atelier.domain.ring_sizes import ring_size
from atelier.pictures.light import COLOURS
from atelier.service import Service
from atelier.web.scope import connections_of

STATIC: Final = Path(__file__).parent / "static"
_SHARED: Final = Path(__file__).parent / "templates"
_ZONE: ContextVar[str] = ContextVar("zone")  # of the company, while a page is rendered


def money(amount: Decimal) -> str:
    """`amount` of euros for people.

    >>> money(Decimal("1234.5"))
    '€ 1,234.50'
    """
    return f"€ {amount:,.2f}"


def moment(at: datetime) -> str:
    """A time for people, in the company's zone and with its name."""
    return company_time.moment(at, _ZONE.get())


def short_moment(at: datetime) -> str:
    """A time for people who have little room; the foot of the page names the zone."""
    return company_time.short_moment(at, _ZONE.get())


def day(at: datetime) -> str:
    """A day for people, in the company's zone."""
    return company_time.day(at, _ZONE.get())


def file_size(size: int) -> str:
    """A number of bytes for people.

    >>> file_size(190_384), file_size(52_428_800), file_size(26)
    ('186 KB', '50 MB', '26 bytes')
    """
    if size < 1024:
        return f"{size} bytes"
    if size < 1024**2:
        return f"{size / 1024:.0f} KB"
    return f"{size / 1024**2:.1f} MB".replace(".0 ", " ")


def state_name(state: str) -> str:
    """The name of a life-cycle state for people."""
    return State(state).label


def metal_name(code: str) -> str:
    """The name of a metal for people; the code itself for a metal that is no longer offered."""
    return METALS[code].name if code in METALS else code


def finish_name(code: str) -> str:
    """The name of a finish for people; the code itself for one that is no longer offered."""
    return FINISHES[code].name if code in FINISHES else code


@cache
def asset(path: str) -> str:
    """The address of a static file; it changes with the content, so browsers may keep the file."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()
    return f"/static/{path}?v={digest[:10]}"


class Pages:
    """Renders the pages of one service from its own templates and the shared ones.

    All are compiled here: made when a module is imported, forked processes find it done.
    """

    def __init__(self, service: Service, templates: Path) -> None:
        self._environment = _environment(service, templates)
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """The page `template`; it also knows the request and who is signed in (`person`)."""
        person = getattr(request.state, "person", None)
        zone = connections_of(request).settings.time_zone
        known = {"request": request, "person": person, "zone": zone}
        before = _ZONE.set(zone)
        try:
            text = self._environment.get_template(template).render(known | context)
        finally:
            _ZONE.reset(before)
        return HTMLResponse(text, status_code=status)


def _environment(service: Service, templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([templates, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        money=money,
        moment=moment,
        short_moment=short_moment,
        day=day,
        file_size=file_size,
        state_name=state_name,
        metal_name=metal_name,
        finish_name=finish_name,
        zone_name=company_time.zone_name,
    )
    known: Mapping[str, object] = {
        "service": service.name,
        "place": service.place,
        "asset": asset,
        "metals": METALS,
        "colours": dict(COLOURS),
        "finishes": FINISHES,
        "usual_finish": USUAL,
        "profiles": PROFILE_NAMES,
        "surfaces": SURFACE_NAMES,
        "seats": SEAT_NAMES,
        "places": PLACE_NAMES,
        "ring_size": ring_size,
    }
    environment.globals.update(known)
    return environment
