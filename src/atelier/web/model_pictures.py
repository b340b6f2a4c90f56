"""The pictures of an order's model: painted once for all services, and kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from atelier.connections import Connections
from atelier.languages import gettext_lazy as _
from atelier.pictures.light import COLOURS
from atelier.web.painting import BUSY, drawn_by, painter, picture_of_model
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

_AT_ONCE: Final = 2  # models in memory
_IN_LINE: Final = 24

_NO_PICTURE: Final = Refusal(
    404, "no-picture", _("No picture"), _("Of this model we can draw no picture.")
)


@dataclass(frozen=True)
class ShownModel:
    """The model of an order: `metal` is what it is shown in, once that is chosen."""

    number: str
    checksum: str
    metal: str | None


class ModelPictures:
    """The pictures of a process's application; who asks for the same waits for the same work."""

    def __init__(self, connections: Connections) -> None:
        self._models = connections.models
        self._pictures = connections.pictures
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._underway: dict[str, asyncio.Task[bytes]] = {}

    async def picture(self, model: ShownModel, pixels: int) -> bytes:
        """PNG. Raises Refusal, ModelMissing, StoreUnavailable."""
        metal = model.metal if model.metal in COLOURS else None
        name = f"{model.checksum}-{metal}-{pixels}-{drawn_by()[:10]}"
        found = await self._pictures.find(name)
        if found is None:
            found = await asyncio.shield(self._painting(name, model.checksum, metal, pixels))
        if not found:
            raise _NO_PICTURE
        return found

    def _painting(
        self, name: str, checksum: str, metal: str | None, pixels: int
    ) -> asyncio.Task[bytes]:
        # Many screens show a new piece at the same moment.
        if name not in self._underway:
            if len(self._underway) >= _IN_LINE:
                raise BUSY
            task = asyncio.create_task(self._paint(name, checksum, metal, pixels))
            self._underway[name] = task
            task.add_done_callback(lambda done: self._finished(name, done))
        return self._underway[name]

    def _finished(self, name: str, task: asyncio.Task[bytes]) -> None:
        del self._underway[name]
        if not task.cancelled():
            task.exception()  # whoever still waits is told; perhaps nobody does

    async def _paint(self, name: str, checksum: str, metal: str | None, pixels: int) -> bytes:
        """Empty where there is nothing that could be painted, which is kept, too."""
        async with self._turns:
            content = await self._models.read(checksum)
            painted = await painter.do(picture_of_model, content, metal, pixels) or b""
        await self._pictures.keep(name, painted)
        return painted


def model_pictures_of(request: Request) -> ModelPictures:
    """The ones of the request's application."""
    state = request.app.state
    if not hasattr(state, "model_pictures"):
        state.model_pictures = ModelPictures(connections_of(request))
    found: ModelPictures = state.model_pictures
    return found
