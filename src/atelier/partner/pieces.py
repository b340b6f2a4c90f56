"""Reads what a partner wants to have made: a multipart form with a model, a metal and a finish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request

from atelier.domain.finishes import FINISHES, USUAL, finish
from atelier.domain.metals import METALS, metal
from atelier.languages import LazyText, ngettext_lazy
from atelier.languages import gettext_lazy as _
from atelier.storage.model_store import StoredModel
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal, invalid_request
from atelier.web.scope import connections_of

_LONGEST_REFERENCE: Final = 200

_PIECE: Final[Mapping[str, Any]] = {
    "model": {
        "type": "string",
        "format": "binary",
        "description": "The 3D model: a closed surface in millimetres, as binary or ASCII STL.",
    },
    "metal": {"type": "string", "enum": list(METALS)},
    "finish": {"type": "string", "enum": list(FINISHES), "default": USUAL},
}
_REFERENCE: Final[Mapping[str, Any]] = {
    "reference": {
        "type": "string",
        "maxLength": _LONGEST_REFERENCE,
        "description": "Your own reference, given back with the order.",
    }
}


@dataclass(frozen=True)
class Piece:
    """`metal` and `finish` are codes that we offer; the model is kept already."""

    model: StoredModel
    metal: str
    finish: str
    reference: str


def body(*, with_reference: bool) -> dict[str, Any]:
    """The request body of a route that reads a piece, for its OpenAPI document."""
    properties = {**_PIECE, **(_REFERENCE if with_reference else {})}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["model", "metal"],
                        "properties": properties,
                    }
                }
            },
        }
    }


async def read_piece(request: Request) -> Piece:
    """The piece in the form of `request`.

    Raises Refusal (415, 422), UnknownMetal, UnknownFinish, ModelRejected.
    """
    if request.headers.get("content-type", "").partition(";")[0].lower() != "multipart/form-data":
        raise Refusal(
            415,
            "unsupported-media-type",
            _("Not a multipart form"),
            _("Send the piece as multipart/form-data with the fields model, metal and finish."),
        )
    connections = connections_of(request)
    limit = connections.settings.upload_limit
    async with form(request, file_limit=limit) as fields:
        model, metal_code = fields.get("model"), text(fields, "metal")
        reference = text(fields, "reference")
        faults: dict[str, tuple[str, LazyText]] = {}
        if not isinstance(model, UploadFile):
            faults["model"] = ("missing", _("an STL file is required"))
        if not metal_code:
            faults["metal"] = (
                "missing",
                _("required, one of: %(metals)s", metals=", ".join(METALS)),
            )
        if len(reference) > _LONGEST_REFERENCE:
            faults["reference"] = (
                "string_too_long",
                ngettext_lazy(
                    "at most %(count)s character",
                    "at most %(count)s characters",
                    _LONGEST_REFERENCE,
                ),
            )
        elif not reference.isprintable():
            faults["reference"] = ("string_not_printable", _("printable characters only"))
        if faults or not isinstance(model, UploadFile):
            raise _incomplete(faults)
        # Before the file is kept: nothing is to be left of an order that cannot be.
        chosen = metal(metal_code), finish(text(fields, "finish") or USUAL)
        kept = await connections.models.save(model, limit)
        return Piece(kept, chosen[0].code, chosen[1].code, reference)


def _incomplete(faults: Mapping[str, tuple[str, LazyText]]) -> Refusal:
    return invalid_request(
        [
            {"where": field, "code": code, "fault": str(fault)}
            for field, (code, fault) in faults.items()
        ]
    )
