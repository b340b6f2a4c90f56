"""Makes rings and their pictures for the shop's pages, and keeps what was made last.

What is kept is only ever computed from what it is asked for by, so it never becomes wrong.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from atelier.domain import rings
from atelier.domain.designs import DESIGNS, CatalogueDesign
from atelier.domain.ring_design import RingDesign
from atelier.domain.solids import Mesh, binary_stl, volume_mm3
from atelier.domain.stones import brilliant
from atelier.pictures.light import COLOURS
from atelier.pictures.portrait import Piece, View, portrait
from atelier.pictures.scene import packed
from atelier.web.painting import Renderer, drawn_by

PICTURE_PIXELS: Final = 640
SMALL_PIXELS: Final = 360


@dataclass(frozen=True, eq=False)
class MadeRing:
    metal: Mesh
    stone: Mesh | None
    volume_mm3: Decimal


renderer: Final = Renderer("rings", 2)
"""Where this process makes rings, which is quick, so that none waits for a picture."""


@lru_cache(maxsize=24)
def made(design: RingDesign) -> MadeRing:
    """The ring of a design without faults."""
    metal = rings.build(design)
    return MadeRing(metal, brilliant(design), volume_mm3(metal))


def stl(design: RingDesign) -> bytes:
    """The file by which it is ordered: the metal without the stone."""
    return binary_stl(made(design).metal)


@lru_cache(maxsize=8)
def shape(design: RingDesign) -> bytes:
    """The ring in three dimensions, as the binary document of `pictures.scene`."""
    ring = made(design)
    return packed(ring.metal, ring.stone)


@lru_cache(maxsize=96)
def picture(
    design: RingDesign, metal: str, view: View = View.PORTRAIT, pixels: int = PICTURE_PIXELS
) -> bytes:
    """PNG of the ring in the metal of this code."""
    ring = made(design)
    return portrait(Piece(ring.metal, COLOURS[metal], ring.stone), pixels, view)


@lru_cache(maxsize=len(DESIGNS))
def picture_version(design: CatalogueDesign) -> str:
    """Changes with the picture: with the design, and with the code that draws it."""
    recipe = f"{design.ring} {design.metal} {drawn_by()}"
    return hashlib.sha256(recipe.encode()).hexdigest()[:10]
