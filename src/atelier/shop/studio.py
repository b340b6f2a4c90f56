"""The constructor: a ring by its parameters, seen while it is edited, and ordered as it is seen.

Everything a ring is stands in the query of the page's address. So a page can be sent to somebody,
kept, or come back to after signing in, and works without JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier.data.shop import Customer, Order
from atelier.domain import ring_design
from atelier.domain.designs import DESIGNS
from atelier.domain.finishes import FINISHES, USUAL
from atelier.domain.lifecycle import REPLACED, State
from atelier.domain.metals import METALS
from atelier.domain.order_numbers import is_number
from atelier.domain.ring_design import RingDesign
from atelier.domain.ring_sizes import EU_SIZES, ring_size
from atelier.languages import ENGLISH, LazyText, speaking, verbatim
from atelier.languages import gettext_lazy as _
from atelier.pictures.portrait import View
from atelier.shop.accounts import Visitor
from atelier.shop.catalogue import estimate, known_prices
from atelier.shop.ring_renderer import made, picture, renderer, shape, stl
from atelier.usecases import orders
from atelier.web.forms import form
from atelier.web.painting import painter
from atelier.web.refusal import UNDERSTOOD, Refusal, page, refusal_of
from atelier.web.scope import connections_of
from atelier.web.sessions import see_other, sign_in_path

_FIRST: Final = RingDesign()
_FIRST_METAL: Final = "gold-750"
_CHOICES: Final[Mapping[str, object]] = {
    "sizes": [ring_size(size) for size in EU_SIZES],
    "limits": {
        "width": ring_design.WIDTH,
        "thickness": ring_design.THICKNESS,
        "stone": ring_design.STONE,
    },
    "longest_engraving": ring_design.LONGEST_ENGRAVING,
    "views": {
        View.PORTRAIT: _("From the side"),
        View.FRONT: _("From the front"),
        View.PROFILE: _("Edge on"),
        View.BELOW: _("From below"),
    },
}

router = APIRouter()


@dataclass(frozen=True)
class Wish:
    """What somebody draws: the ring, its metal and finish, and what is wrong with it, by field.

    `design` is the code of the catalogue's design that it began with, or empty; `order` is the
    number of the order whose ring it takes the place of, or empty. `typed` has the faulty fields as
    they came, so that they can be corrected where they are.
    """

    ring: RingDesign
    metal: str
    finish: str
    view: View
    design: str
    faults: Mapping[str, LazyText]
    typed: Mapping[str, str]
    order: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Wish:
        design = DESIGNS.get(fields.get("design", ""))
        ring, found = ring_design.from_fields(fields, design.ring if design else _FIRST)
        faults: dict[str, LazyText] = {**found}
        metal = fields.get("metal", design.metal if design else _FIRST_METAL)
        if metal not in METALS:
            faults["metal"] = _("Choose one of our metals.")
            metal = _FIRST_METAL
        finish = fields.get("finish", USUAL)
        if finish not in FINISHES:
            faults["finish"] = _("Choose one of our finishes.")
            finish = USUAL
        try:
            view = View(fields.get("view", View.PORTRAIT))
        except ValueError:
            view = View.PORTRAIT
        typed = {name: fields[name] for name in faults if name in fields}
        order = fields.get("order", "")
        return cls(
            ring,
            metal,
            finish,
            view,
            design.code if design else "",
            faults,
            typed,
            order if is_number(order) else "",
        )

    @property
    def query(self) -> str:
        """What `of` makes the same wish of, as the query of an address."""
        named = {"design": self.design} if self.design else {}
        chosen = {"metal": self.metal, "finish": self.finish, "view": self.view}
        order = {"order": self.order} if self.order else {}
        return urlencode({**named, **ring_design.as_fields(self.ring), **chosen, **order})

    @property
    def name(self) -> str:
        """What the ring is called."""
        return str(DESIGNS[self.design].name if self.design else _("Ring"))

    @property
    def filename(self) -> str:
        """What its model is called in all systems, whatever language its customer speaks."""
        with speaking(ENGLISH):
            return f"{self.name}-{self.ring.size}.stl"

    def raise_if_faulty(self) -> None:
        """Raises Refusal (422)."""
        if self.faults:
            raise Refusal(
                422,
                "ring-not-possible",
                _("We cannot make this ring"),
                verbatim(" ".join(map(str, self.faults.values()))),
            )


@dataclass
class _MadeFile:
    """A model of ours, on its way to where models are kept."""

    filename: str | None
    content: bytearray

    async def read(self, size: int = -1) -> bytes:
        part = bytes(self.content[:size] if size >= 0 else self.content)
        del self.content[: len(part)]
        return part


@router.get("/studio")
async def studio_page(request: Request, __: Visitor) -> Response:
    """The constructor with the ring that the query describes."""
    return await _studio_page(request, Wish.of(request.query_params))


@router.get("/studio/estimate")
async def studio_estimate(request: Request) -> Response:
    """The part of the page that tells what the ring costs, or why it cannot be made."""
    wish = Wish.of(request.query_params)
    return page(request, "studio_estimate.html", **await _estimate_context(request, wish))


@router.get("/studio/shape")
async def studio_shape(request: Request) -> Response:
    """The ring in three dimensions, as the binary document of `pictures.scene`."""
    wish = Wish.of(request.query_params)
    wish.raise_if_faulty()
    content = await renderer.do(shape, wish.ring)
    return Response(content, media_type="application/octet-stream")


@router.get("/studio/picture.png")
async def studio_picture(request: Request) -> Response:
    """The ring as a picture."""
    wish = Wish.of(request.query_params)
    wish.raise_if_faulty()
    content = await painter.do(picture, wish.ring, wish.metal, wish.view)
    return Response(content, media_type="image/png")


@router.post("/studio/order")
async def order_ring(request: Request, customer: Visitor) -> Response:
    """Makes the model of the ring, and with it an order, or gives it to the order that it is for;
    leads there, by the sign-in if need be."""
    async with form(request) as fields:
        wish = Wish.of({name: value for name, value in fields.items() if isinstance(value, str)})
    if wish.faults:
        refusal = Refusal(
            422,
            "ring-not-possible",
            _("We cannot make this ring"),
            _("Please look at these once more:"),
        )
        return await _studio_page(request, wish, refusal)
    if customer is None:
        return see_other(sign_in_path(f"/studio?{wish.query}"))
    try:
        number = await _ordered(request, customer, wish)
    except UNDERSTOOD as error:
        return await _studio_page(request, wish, refusal_of(error))
    return see_other(f"/orders/{number}")


async def _ordered(request: Request, customer: Customer, wish: Wish) -> str:
    """The number of the order that has the ring now. Raises OrderNotFound, IllegalTransition."""
    connections = connections_of(request)
    file = _MadeFile(wish.filename, bytearray(await renderer.do(stl, wish.ring)))
    model = await connections.models.save(file, connections.settings.upload_limit)
    async with connections.shop.session() as session:
        drawn = orders.Drawn(wish.ring, wish.metal, wish.finish)
        if not wish.order:
            return (await orders.begin(session, customer.id, model, drawn)).number
        order = await orders.by_number(session, wish.order)
        if order is None or order.customer_id != customer.id:
            raise orders.OrderNotFound(wish.order)
        await orders.attach_model(session, order, model, f"customer:{customer.id}", drawn)
        return order.number


def path_to(order: Order) -> str | None:
    """Where the constructor shows the ring of an order, to take another one's place there if it
    still can; None for a model that was uploaded."""
    if order.design is None:
        return None
    chosen = {"metal": order.metal, "finish": order.finish}
    if (order.state, State.FILE_UPLOADED) in REPLACED:
        chosen["order"] = order.number
    return f"/studio?{urlencode({**ring_design.as_fields(order.design), **chosen})}"


async def _studio_page(request: Request, wish: Wish, refusal: Refusal | None = None) -> Response:
    return page(
        request,
        "studio.html",
        refusal=refusal,
        fields={**ring_design.as_fields(wish.ring), **wish.typed},
        **await _estimate_context(request, wish),
        **_CHOICES,
    )


async def _estimate_context(request: Request, wish: Wish) -> dict[str, Any]:
    context: dict[str, Any] = {"wish": wish, "words": ring_design.in_words(wish.ring)}
    if wish.faults:
        return {**context, "quote": None, "size_mm": None}
    ring = await renderer.do(made, wish.ring)
    return {
        **context,
        "quote": estimate(
            ring.volume_mm3, wish.metal, await known_prices(request), FINISHES[wish.finish]
        ),
        "size_mm": ring.metal.size_mm,
    }
