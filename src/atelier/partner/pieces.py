"""Reads what a partner wants to have made: a multipart form with a model, a metal and a finish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_CHANGES: Final[Mapping[str, Any]] = {
    "model": _PIECE["model"],
    **{
        code: {
            "type": "string",
            "enum": _PIECE[code]["enum"],
            "description": "That of the order, unless given.",
        }
        for code in ("metal", "finish")
    },
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
    """`metal` and `finish` are codes that we offer, or ""; the model is kept already."""

    model: StoredModel
    metal: str
    finish: str
    reference: str


def body(*, with_reference: bool) -> dict[str, Any]:
    """The request body of a route that reads a piece, for its OpenAPI document."""
    return _form({**_PIECE, **(_REFERENCE if with_reference else {})}, ["model", "metal"])


def body_of_changes() -> dict[str, Any]:
    """The same of a route that reads what takes the place of a piece."""
    return _form(_CHANGES, ["model"])


def _form(properties: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": required,
                        "properties": properties,
                    }
                }
            },
        }
    }


async def read_piece(request: Request, *, whole: bool = True) -> Piece:
    """The piece in the form of `request`. Unless it has to be `whole`, the codes that were left out
    are "".

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
        if whole and not metal_code:
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
        finish_code = text(fields, "finish") or (USUAL if whole else "")
        chosen = metal_code and metal(metal_code).code, finish_code and finish(finish_code).code
        kept = await connections.models.save(model, limit)
        return Piece(kept, *chosen, reference)


def _incomplete(faults: Mapping[str, tuple[str, LazyText]]) -> Refusal:
    return invalid_request(
        [
            {"where": field, "code": code, "fault": str(fault)}
            for field, (code, fault) in faults.items()
        ]
    )
