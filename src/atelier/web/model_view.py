"""The model of an order, for whoever may see the order: the file itself, and pictures of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from atelier.languages import gettext_lazy as _
from atelier.web.model_pictures import ShownModel, model_pictures_of
from atelier.web.painting import PICTURE_PIXELS, THUMBNAIL_PIXELS
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

FILE: Final = "model/stl"
NO_MODEL: Final = Refusal(404, "no-model", _("No model yet"), _("This order has no 3D model yet."))

# Under an address that says which version it means, it never changes; it is not for everybody.
_FOR_GOOD: Final = "private, max-age=31536000, immutable"
_ASK_AGAIN: Final = "private, no-cache"


def model_routes(path: str, model: Callable[..., Awaitable[ShownModel]]) -> APIRouter:
    """Below `path`, which has `{number}` in it: the file to download, and the picture.

    `model` is a dependency: it refuses whoever may not see the order, and orders without a model.
    """
    router, needed = APIRouter(prefix=path), Depends(model)

    @router.get("/model", **_answers(FILE))
    async def model_file(request: Request, shown: ShownModel = needed) -> Response:
        """The STL file as it was uploaded or made."""
        content = await connections_of(request).models.read(shown.checksum)
        attached = f'attachment; filename="{shown.number}.stl"'
        return _kept(request, content, FILE, {"Content-Disposition": attached})

    @router.get("/picture.png", **_answers("image/png"))
    async def model_picture(request: Request, shown: ShownModel = needed) -> Response:
        """The model as a picture, in the order's metal once that is chosen."""
        content = await model_pictures_of(request).picture(shown, PICTURE_PIXELS)
        return _kept(request, content, "image/png")

    return router


def thumbnail_route(path: str, model: Callable[..., Awaitable[ShownModel]]) -> APIRouter:
    """Below `path`, as for `model_routes`: a small picture, for lists."""
    router, needed = APIRouter(prefix=path), Depends(model)

    @router.get("/thumbnail.png", **_answers("image/png"))
    async def thumbnail(request: Request, shown: ShownModel = needed) -> Response:
        """The model as a small picture."""
        content = await model_pictures_of(request).picture(shown, THUMBNAIL_PIXELS)
        return _kept(request, content, "image/png")

    return router


def _kept(
    request: Request, content: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    kept = _FOR_GOOD if request.query_params.get("v") else _ASK_AGAIN
    return Response(
        content, media_type=media_type, headers={"Cache-Control": kept, **(headers or {})}
    )


def _answers(media_type: str) -> dict[str, Any]:
    """What the OpenAPI document says of such an answer."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"response_class": Response, "responses": {200: {"content": {media_type: binary}}}}
