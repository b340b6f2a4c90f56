"""What a request is refused with: one description, told as a page or as a problem document.

Every refusal has a status, a slug that programs can rely on, a title and a detail for people, in
their language. A JSON route answers it as a problem document (RFC 9457), an HTML route as a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from atelier.domain.delivery import AddressFixed, AddressMissing
from atelier.domain.finishes import UnknownFinish
from atelier.domain.lifecycle import IllegalTransition
from atelier.domain.metals import UnknownMetal
from atelier.domain.models3d import ModelRejected
from atelier.languages import LazyText, language, verbatim
from atelier.languages import gettext_lazy as _
from atelier.storage.blob_store import StoreUnavailable
from atelier.storage.model_store import ModelMissing
from atelier.usecases.orders import OrderNotFound
from atelier.usecases.work_orders import AlreadyTaken, WorkOrderNotFound
from atelier.web.scope import pages_of, service_of

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


@dataclass(eq=False)
class Refusal(Exception):
    """Why a request is refused; may be raised.

    `extra` are further members of the problem document, `headers` go with either form.
    """

    status: int
    slug: str
    title: LazyText
    detail: LazyText
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The problem type's URI."""
        return f"urn:atelier:problem:{self.slug}"


UNDERSTOOD: Final = (
    Refusal,
    IllegalTransition,
    UnknownMetal,
    UnknownFinish,
    ModelRejected,
    OrderNotFound,
    WorkOrderNotFound,
    AlreadyTaken,
    StoreUnavailable,
    ModelMissing,
    AddressFixed,
    AddressMissing,
)
"""Exceptions that `refusal_of` turns into a refusal: what a user can do wrong, and what is
our fault in a way that has words of its own."""


def refusal_of(error: Exception) -> Refusal:
    """The refusal that tells `error`, one of `UNDERSTOOD`, to whoever caused it."""
    if isinstance(error, Refusal):
        return error
    text = verbatim(str(error))  # in the language that is spoken now, which is the reader's
    match error:
        case IllegalTransition():
            return Refusal(409, "forbidden-transition", _("Not possible in this state"), text)
        case AlreadyTaken():
            return Refusal(409, "already-taken", _("Already taken"), text)
        case UnknownMetal():
            return Refusal(422, "unknown-metal", _("Unknown metal"), text)
        case UnknownFinish():
            return Refusal(422, "unknown-finish", _("Unknown finish"), text)
        case ModelRejected(code="too-large"):
            return Refusal(413, "model-too-large", _("Model too large"), text)
        case ModelRejected():
            return Refusal(422, f"model-{error.code}", _("Model refused"), text)
        case StoreUnavailable():
            return Refusal(
                503,
                "store-unavailable",
                _("Not possible at the moment"),
                text,
                headers={"Retry-After": "60"},
            )
        case ModelMissing():
            return Refusal(
                503,
                "model-unavailable",
                _("This model cannot be shown at the moment"),
                _(
                    "We cannot find the file of this 3D model. It is our fault, not yours, and it "
                    "has been recorded: please try again later."
                ),
                headers={"Retry-After": "300"},
            )
        case AddressFixed():
            return Refusal(409, "address-fixed", _("Too late to change the address"), text)
        case AddressMissing():
            return Refusal(409, "address-missing", _("No delivery address"), text)
        case OrderNotFound() | WorkOrderNotFound():
            return Refusal(404, "order-not-found", _("No such order"), text)
    raise TypeError(f"{error!r} is nothing that a user can do wrong")


def invalid_request(faults: Sequence[Mapping[str, str]]) -> Refusal:
    """The refusal of a request with these faults; each has what `openapi.Fault` has."""
    return Refusal(
        422,
        "invalid-request",
        _("Request not valid"),
        _(
            "These parts of the request are not valid: %(where)s.",
            where=", ".join(fault["where"] for fault in faults),
        ),
        extra={"errors": faults},
    )


def refusal_of_status(status: int, headers: Mapping[str, str] | None = None) -> Refusal:
    """The refusal for a bare HTTP status that the framework raised (404, 405, 400 …)."""
    title, detail = _BARE.get(status, _OTHER)
    slug = HTTPStatus(status).phrase.lower().replace(" ", "-")
    return Refusal(status, slug, title, detail, headers=headers or {})


_BARE: Final = {
    400: (
        _("Request not understood"),
        _("The request could not be read. Check its form and try again."),
    ),
    404: (_("Not found"), _("There is nothing at this address.")),
    405: (_("Not possible here"), _("This address does not know the request's method.")),
}
_OTHER: Final = (_("Not possible"), _("The request cannot be answered as it was asked."))


def wants_document(request: Request) -> bool:
    """Whether `request` is for a JSON route rather than a page."""
    speaks_json = service_of(request).speaks_json or pages_of(request) is None
    return speaks_json or request.url.path.startswith(("/api/", "/health/"))


def page(
    request: Request, template: str, *, refusal: Refusal | None = None, **context: Any
) -> Response:
    """A page of the request's service; with a `refusal` it shows that, and has its status."""
    pages = pages_of(request)
    if pages is None:
        raise TypeError(f"the service of {request.url.path} has no pages")
    status = 200 if refusal is None else refusal.status
    response = pages.render(request, template, status=status, refusal=refusal, **context)
    response.headers.update({} if refusal is None else refusal.headers)
    return response


def respond(request: Request, refusal: Refusal) -> Response:
    """Answers `refusal` in the form that the route speaks."""
    if wants_document(request):
        return problem(request, refusal)
    return page(request, "refusal.html", refusal=refusal)


def problem(request: Request, refusal: Refusal) -> JSONResponse:
    """The problem document of `refusal` (RFC 9457)."""
    return JSONResponse(
        {
            "type": refusal.type,
            "code": refusal.slug,
            "title": str(refusal.title),
            "status": refusal.status,
            "detail": str(refusal.detail),
            "instance": request.url.path,
            **refusal.extra,
        },
        status_code=refusal.status,
        headers={"Content-Language": language(), **refusal.headers},
        media_type=PROBLEM_MEDIA_TYPE,
    )
