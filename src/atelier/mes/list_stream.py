"""The whole list for open pages: once, packed, and then what changes in it."""

from __future__ import annotations

import asyncio
import gzip
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from atelier.mes import service
from atelier.mes.listing import feed, rows
from atelier.mes.listing.feed import Message, OperatorSession
from atelier.mes.listing.readmodel import Sendable

router = APIRouter(prefix="/api/list", include_in_schema=False)

MEDIA_TYPE: Final = "application/vnd.atelier.list"
"""Frames, each of four bytes that say how long it is, and gzip: first a JSON object of `position`
and `count`, then JSON arrays of rows, newest first, each as `listing.rows.Row` has it."""

_STILL_HERE: Final = 15.0  # seconds between signs of life, which keep proxies from hanging up
_LONGEST: Final = 300.0  # seconds; a page connects again then, and has to be signed in still
_RECONNECT: Final = b"retry: 500\n\n"  # ms; before the page would begin to ask
_LAST_POSITION: Final = 2**63 - 1

Since = Annotated[int, Query(ge=0, le=_LAST_POSITION)]


@router.get("")
async def whole_list(request: Request, _: service.SignedIn) -> Response:
    """All active work; 304 for whoever has it already."""
    found = await service.work_list_of(request).source.whole()
    headers = {"ETag": f'"{found.stamp.content}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(_framed(found), media_type=MEDIA_TYPE, headers=headers)


@router.get("/changes")
async def changes_since(request: Request, _: service.SignedIn, since: Since) -> Response:
    """What has changed since the position `since`, for pages that cannot listen; 204 for nothing,
    410 where so much has that the list is better loaded anew."""
    found = await service.work_list_of(request).source.since(since)
    if found.rows is None:
        return Response(status_code=410)
    if not found.rows:
        return Response(status_code=204)
    body = b'{"position":%d,"rows":%b}' % (found.position, rows.to_json(found.rows))
    return Response(body, media_type="application/json")


@router.get("/events")
async def events(request: Request, operator: service.SignedIn, since: Since) -> Response:
    """What changes from the position `since` on, or from where the lost connection was, as
    server-sent events; for as long as the operator is signed in."""
    session = OperatorSession(operator.id, operator.session_version)
    stream = _stream(request, session, _last_seen(request, since))
    # Before the answer begins: what is away then can still be told as 503.
    first = await anext(stream)
    return StreamingResponse(
        _beginning_with(first, stream),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def _last_seen(request: Request, since: int) -> int:
    last = request.headers.get("last-event-id", "")
    return min(int(last), _LAST_POSITION) if last.isascii() and last.isdigit() else since


def _framed(found: Sendable) -> bytes:
    head = b'{"position":%d,"count":%d}' % (found.stamp.position, found.count)
    parts = (gzip.compress(head, mtime=0), *found.parts)
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


async def _beginning_with(
    first: bytes, stream: AsyncGenerator[bytes, None]
) -> AsyncIterator[bytes]:
    async with aclosing(stream):
        yield first
        async for message in stream:
            yield message


async def _stream(
    request: Request, session: OperatorSession, since: int
) -> AsyncGenerator[bytes, None]:
    work_list = service.work_list_of(request)
    until = time.monotonic() + _LONGEST
    # Subscribed first: what happens while the past is looked up is told twice rather than never.
    with work_list.feed.subscribed(session) as news:
        found = await work_list.source.since(since)
        yield _RECONNECT
        yield feed.source_message(work_list.source.fast)
        yield (
            feed.anew_message(found.position)
            if found.rows is None
            else feed.changes_message(found.position, found.rows)
        )
        while time.monotonic() < until:
            message = await _next(news)
            if message is None:
                return
            yield message


async def _next(news: asyncio.Queue[Message]) -> Message:
    try:
        async with asyncio.timeout(_STILL_HERE):
            return await news.get()
    except TimeoutError:
        return b": still here\n\n"
