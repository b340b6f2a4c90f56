"""Makes rings and pictures for the pages, beside the event loop, and keeps what was made last.

What is kept is only ever computed from what it is asked for by, so it never becomes wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from atelier import domain, pictures
from atelier.domain import models3d, rings
from atelier.domain.designs import DESIGNS, CatalogueDesign
from atelier.domain.ring_design import RingDesign
from atelier.domain.solids import Mesh, binary_stl, volume_mm3
from atelier.domain.stones import brilliant
from atelier.pictures.light import COLOURS
from atelier.pictures.portrait import NothingToSee, Piece, View, portrait
from atelier.pictures.raster import TooCrowded
from atelier.pictures.scene import packed
from atelier.web.refusal import Refusal

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

PICTURE_PIXELS: Final = 640
SMALL_PIXELS: Final = 360
_PAINTED_FACETS: Final = 400_000
_SHOWN_METAL: Final = "silver-925"
_IN_LINE: Final = 24

_BUSY: Final = Refusal(
    503,
    "renderer-busy",
    "Our workbench is full",
    "Many people are drawing rings just now. Please try again in a few seconds.",
    headers={"Retry-After": "5"},
)


@dataclass(frozen=True, eq=False)
class MadeRing:
    metal: Mesh
    stone: Mesh | None
    volume_mm3: Decimal


class Renderer:
    """Does work in threads, no more at once than there is room for; of too much it refuses some."""

    def __init__(self, name: str, hands: int) -> None:
        self._hands = ThreadPoolExecutor(hands, name)
        self._in_line = 0

    async def do(
        self, work: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs
    ) -> Answer:
        """Raises Refusal (503) where too many wait already."""
        if self._in_line >= _IN_LINE:
            raise _BUSY
        self._in_line += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._hands, lambda: work(*args, **kwargs))
        finally:
            self._in_line -= 1


# Their threads begin with the first work, so a process may fork before.
renderer: Final = Renderer("rings", 2)
"""Where this process makes rings, which is quick."""

painter: Final = Renderer("pictures", 1)
"""Where it paints pictures, so that no ring waits for one."""


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


def picture_of_model(content: bytes, metal: str | None) -> bytes | None:
    """PNG of what an STL file holds; None where that is nothing to be seen, or too much."""
    try:
        if models3d.check_structure(content) > _PAINTED_FACETS:
            return None
        mesh = models3d.surface(content)
        colour = COLOURS.get(metal or "", COLOURS[_SHOWN_METAL])
        return portrait(Piece(mesh, colour), SMALL_PIXELS)
    except (models3d.ModelRejected, NothingToSee, TooCrowded):
        return None


@lru_cache(maxsize=len(DESIGNS))
def picture_version(design: CatalogueDesign) -> str:
    """Changes with the picture: with the design, and with the code that draws it."""
    recipe = f"{design.ring} {design.metal} {_code()}"
    return hashlib.sha256(recipe.encode()).hexdigest()[:10]


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for package in (domain, pictures):
        for module in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()
