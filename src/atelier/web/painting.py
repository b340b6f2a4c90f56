"""Paints pictures beside the event loop, no more at once than there is room for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from atelier import domain, pictures
from atelier.domain import models3d
from atelier.languages import gettext_lazy as _
from atelier.pictures.light import COLOURS
from atelier.pictures.portrait import NothingToSee, Piece, portrait
from atelier.pictures.raster import TooCrowded
from atelier.web.refusal import Refusal

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

PICTURE_PIXELS: Final = 360
THUMBNAIL_PIXELS: Final = 96
_PAINTED_FACETS: Final = 400_000
_SHOWN_METAL: Final = "silver-925"
_IN_LINE: Final = 24

BUSY: Final = Refusal(
    503,
    "renderer-busy",
    _("Our workbench is full"),
    _("Many people are drawing rings just now. Please try again in a few seconds."),
    headers={"Retry-After": "5"},
)


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
            raise BUSY
        self._in_line += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._hands, lambda: work(*args, **kwargs))
        finally:
            self._in_line -= 1


# Its thread begins with the first work, so a process may fork before.
painter: Final = Renderer("pictures", 1)
"""Where this process paints pictures."""


def picture_of_model(
    content: bytes, metal: str | None, pixels: int = PICTURE_PIXELS
) -> bytes | None:
    """PNG of what an STL file holds; None where that is nothing to be seen, or too much."""
    try:
        if models3d.check_structure(content) > _PAINTED_FACETS:
            return None
        mesh = models3d.surface(content)
        colour = COLOURS.get(metal or "", COLOURS[_SHOWN_METAL])
        return portrait(Piece(mesh, colour), pixels)
    except (models3d.ModelRejected, NothingToSee, TooCrowded):
        return None


@cache
def drawn_by() -> str:
    """Names the code that draws: it changes with the code, and so may every picture."""
    digest = hashlib.sha256()
    for package in (domain, pictures):
        for module in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()
