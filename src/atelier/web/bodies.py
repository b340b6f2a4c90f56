"""Reads JSON that a client sent, never more of it than a document may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from atelier.languages import gettext_lazy as _
from atelier.languages.figures import Figure
from atelier.web.refusal import Refusal

Document = TypeVar("Document", bound=BaseModel)

_MOST: Final = 64 * 1024  # bytes
_TOO_LARGE: Final = Refusal(
    413,
    "request-too-large",
    _("Too much text"),
    _("A document may have at most %(most)s bytes.", most=Figure(_MOST)),
)


def json_body(model: type[BaseModel], example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The request body of a route that reads a `model`, for its OpenAPI document.

    The models in it have to be in an answer of some route as well, where they are described.
    """
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


async def read_json(request: Request, model: type[Document]) -> Document:
    """The document in the body of `request`.

    Raises Refusal (413, 415), RequestValidationError.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != (
        "application/json"
    ):
        raise Refusal(
            415,
            "unsupported-media-type",
            _("Not JSON"),
            _("Send the document as application/json."),
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST:
            raise _TOO_LARGE
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        # Without what was sent: it would come back in the answer.
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(faults) from None
