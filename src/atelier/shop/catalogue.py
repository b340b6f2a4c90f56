"""The catalogue: all designs, each design, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier.domain.designs import DESIGNS, CatalogueDesign
from atelier.domain.finishes import FINISHES, USUAL, Finish
from atelier.domain.metals import METALS
from atelier.domain.pricing import Quote, quote
from atelier.domain.ring_design import in_words
from atelier.languages import gettext_lazy as _
from atelier.shop.accounts import Visitor
from atelier.shop.ring_renderer import (
    PICTURE_PIXELS,
    SMALL_PIXELS,
    made,
    picture,
    picture_version,
    renderer,
)
from atelier.usecases import metal_prices
from atelier.web.painting import painter
from atelier.web.refusal import Refusal, page
from atelier.web.scope import connections_of

_USUAL: Final = FINISHES[USUAL]
_CHEAPEST: Final = "silver-925"
_NO_DESIGN: Final = Refusal(
    404,
    "design-not-found",
    _("No such design"),
    _("This design is not in our catalogue (any more)."),
)

router = APIRouter()


@router.get("/designs")
async def catalogue_page(request: Request, __: Visitor) -> Response:
    """All designs, with what each costs at least."""
    gram_prices = await known_prices(request)
    volumes = await renderer.do(_volumes)
    prices = {
        code: each.total
        for code, volume in volumes.items()
        if (each := estimate(volume, _CHEAPEST, gram_prices))
    }
    return page(request, "designs.html", designs=DESIGNS, prices=prices, picture_path=picture_path)


@router.get("/designs/{code}.png")
async def design_picture(code: str, small: bool = False) -> Response:
    """The picture of a design, in the metal that it is shown in."""
    design = _known(code)
    pixels = SMALL_PIXELS if small else PICTURE_PIXELS
    content = await painter.do(picture, design.ring, design.metal, pixels=pixels)
    return Response(
        content,
        media_type="image/png",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@router.get("/designs/{code}")
async def design_page(request: Request, __: Visitor, code: str) -> Response:
    """One design, with what it costs in each metal."""
    design = _known(code)
    ring = await renderer.do(made, design.ring)
    gram_prices = await known_prices(request)
    quotes = {metal: estimate(ring.volume_mm3, metal, gram_prices) for metal in METALS}
    others = [each for each in DESIGNS.values() if each is not design]
    at = list(DESIGNS).index(code)
    return page(
        request,
        "design.html",
        design=design,
        words=in_words(design.ring),
        quotes=quotes,
        others=(others[at:] + others[:at])[:3],
        picture_path=picture_path,
    )


def picture_path(design: CatalogueDesign) -> str:
    """The address of its picture, which changes with the picture: browsers may keep it for good."""
    return f"/designs/{design.code}.png?v={picture_version(design)}"


async def known_prices(request: Request) -> Mapping[str, Decimal]:
    """What a gram of each metal costs now, by its code."""
    return await connections_of(request).shop.read(metal_prices.shown)


def estimate(
    volume_mm3: Decimal,
    metal_code: str,
    gram_prices: Mapping[str, Decimal],
    finish: Finish = _USUAL,
) -> Quote | None:
    """What a piece of this volume will cost; None while the metal has no price."""
    if metal_code not in gram_prices:
        return None
    return quote(volume_mm3, METALS[metal_code], gram_prices[metal_code], finish)


@cache
def _volumes() -> dict[str, Decimal]:
    return {code: made(design.ring).volume_mm3 for code, design in DESIGNS.items()}


def _known(code: str) -> CatalogueDesign:
    if code not in DESIGNS:
        raise _NO_DESIGN
    return DESIGNS[code]
