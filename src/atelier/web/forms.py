"""Reads what a form sent, never more of it than the form may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message, Receive

from atelier.domain.models3d import ModelRejected
from atelier.languages import gettext_lazy
from atelier.languages.figures import file_size
from atelier.web.refusal import Refusal, refusal_of_status
from atelier.web.scope import connections_of
from atelier.web.unreadable import LONGEST_TEXT, NUL, lift_limit

FIELDS_SIZE: Final = LONGEST_TEXT
"""Bytes that the fields of a form, and the wrapping of a file in it, may take."""


@asynccontextmanager
async def form(request: Request, *, file_limit: int = 0) -> AsyncIterator[FormData]:
    """The fields of the form in `request`, with one file of at most `file_limit` bytes.

    A file waits on disk beyond its first megabyte, and is gone when the context is left. Whoever
    announces too much is refused before anything is read, whoever sends too much without announcing
    it as soon as it is too much. Of forms with files a few are handed out at once: what is done in
    the context may read the file whole, and many uploads shall take no more memory than a few.

    Raises ModelRejected (too-large), Refusal (413) for a form without a file, and HTTPException
    (400) for a malformed body.
    """
    limit = file_limit + FIELDS_SIZE
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):
        raise too_large(file_limit)
    lift_limit(request)
    metered = Request(request.scope, _metered(request.receive, limit, file_limit))
    turn = connections_of(request).models.uploads if file_limit else nullcontext()
    async with metered.form(max_files=1, max_fields=20, max_part_size=FIELDS_SIZE) as fields, turn:
        yield fields


def text(fields: FormData, name: str, *, strip: bool = True) -> str:
    """The text field `name`, unless told without blanks around; empty when missing or a file.

    Raises Refusal (400) for a text with a NUL.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    if NUL in value:
        raise refusal_of_status(400)
    return value.strip() if strip else value


def too_large(file_limit: int) -> Exception:
    """The refusal of a body that is larger than a form with such a file may be."""
    if not file_limit:
        return Refusal(
            413,
            "request-too-large",
            gettext_lazy("Too much text"),
            gettext_lazy("The form holds more than it can take."),
        )
    return ModelRejected(
        "too-large",
        gettext_lazy(
            "The file is larger than %(most)s, which is the most that we can take. "
            "Please reduce the number of triangles and upload it again.",
            most=file_size(file_limit),
        ),
    )


def _metered(receive: Receive, limit: int, file_limit: int) -> Receive:
    received = 0

    async def metered() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise too_large(file_limit)
        return message

    return metered
