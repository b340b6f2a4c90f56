"""Pages from Jinja templates: where they are found, and how times and names are written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from atelier import company_time
from atelier.domain import delivery
from atelier.domain.finishes import FINISHES, USUAL
from atelier.domain.lifecycle import SENT_BACK, State
from atelier.domain.metals import METALS
from atelier.domain.ring_design import PLACE_NAMES, PROFILE_NAMES, SEAT_NAMES, SURFACE_NAMES
from atelier.domain.ring_sizes import ring_size
from atelier.languages import LANGUAGES, gettext_lazy, language
from atelier.languages.catalogues import translations
from atelier.languages.countries import countries_by_name, country_name
from atelier.languages.figures import file_size, money, number
from atelier.pictures.light import COLOURS
from atelier.service import Service
from atelier.web.scope import address_of, connections_of, service_of

STATIC: Final = Path(__file__).parent / "static"
_SHARED: Final = Path(__file__).parent / "templates"
_ZONE: ContextVar[str] = ContextVar("zone")  # of the company, while a page is rendered


def moment(at: datetime) -> str:
    """A time for people, in the company's zone and with its name."""
    return company_time.moment(at, _ZONE.get())


def short_moment(at: datetime) -> str:
    """A time for people who have little room; the foot of the page names the zone."""
    return company_time.short_moment(at, _ZONE.get())


def day(at: datetime) -> str:
    """A day for people, in the company's zone."""
    return company_time.day(at, _ZONE.get())


def state_name(state: str) -> str:
    """The name of a life-cycle state for people."""
    return str(State(state).label)


def metal_name(code: str) -> str:
    """The name of a metal for people; the code itself for a metal that is no longer offered."""
    return str(METALS[code].name) if code in METALS else code


def finish_name(code: str) -> str:
    """The name of a finish for people; the code itself for one that is no longer offered."""
    return str(FINISHES[code].name) if code in FINISHES else code


ROLES: Final = {
    "customer": gettext_lazy("Customer"),
    "partner": gettext_lazy("Partner"),
    "seller": gettext_lazy("Seller"),
    "operator": gettext_lazy("Operator"),
    "pricing": gettext_lazy("Pricing"),
}
SOURCES: Final = {"shop": gettext_lazy("Shop"), "partner": gettext_lazy("Partner")}


def role_name(actor: str) -> str:
    """What an actor of the history is; its own word for one that we have no name for."""
    role = actor.partition(":")[0]
    return str(ROLES.get(role, role.capitalize()))


def source_name(source: str) -> str:
    """Where an order came from; its own word for what we have no name for."""
    return str(SOURCES.get(source, source.capitalize()))


def way_back(request: Request) -> str:
    """The page that a change of the language leads back to: this one, where it can be asked for."""
    if request.method != "GET":
        return service_of(request).home
    return address_of(request)


@cache
def asset(path: str) -> str:
    """The address of a static file; it changes with the content, so browsers may keep the file."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()
    return f"/static/{path}?v={digest[:10]}"


class Pages:
    """Renders the pages of one service from its own templates and the shared ones.

    All are compiled here, and the catalogues read: made when a module is imported, forked processes
    find it done.
    """

    def __init__(self, service: Service, templates: Path) -> None:
        self._environment = _environment(service, templates)
        for code in LANGUAGES:
            translations(code)
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """The page `template`; it also knows the request and who is signed in (`person`)."""
        person = getattr(request.state, "person", None)
        zone = connections_of(request).settings.time_zone
        known = {
            "request": request,
            "person": person,
            "zone": zone,
            "language": language(),
            "back": way_back(request),
        }
        before = _ZONE.set(zone)
        try:
            text = self._environment.get_template(template).render(known | context)
        finally:
            _ZONE.reset(before)
        return HTMLResponse(text, status_code=status, headers={"Content-Language": language()})


def _gettext(message: str) -> str:
    return translations(language()).gettext(message)


def _ngettext(singular: str, plural: str, count: int) -> str:
    return translations(language()).ngettext(singular, plural, count)


def _environment(service: Service, templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([templates, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # The extension adds the method. Both look up the language each time that they are called.
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
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
        role_name=role_name,
        source_name=source_name,
        number=number,
    )
    known: Mapping[str, object] = {
        "service": service.name,
        "languages": LANGUAGES,
        "place": service.place,
        "asset": asset,
        "metals": METALS,
        "colours": dict(COLOURS),
        "finishes": FINISHES,
        "sources": SOURCES,
        "usual_finish": USUAL,
        "profiles": PROFILE_NAMES,
        "surfaces": SURFACE_NAMES,
        "seats": SEAT_NAMES,
        "places": PLACE_NAMES,
        "ring_size": ring_size,
        "sent_back_step": SENT_BACK,
        "address_lines": delivery.lines,
        "longest_of_address": delivery.LONGEST,
        "country_name": country_name,
        "countries": partial(countries_by_name, delivery.COUNTRIES),
    }
    environment.globals.update(known)
    return environment
