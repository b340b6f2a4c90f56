"""The desk: a page, and the same for programs, where readers borrow, return and wait for books."""

import contextlib
import json
import os
from collections.abc import AsyncIterator
from html import escape
from urllib.parse import parse_qsl, quote
from uuid import uuid4

import aio_pika
import psycopg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from library.notices import QUEUE, health

ACTS = {
    "Borrow": "UPDATE book SET reader = %(reader)s WHERE title = %(title)s AND reader IS NULL",
    "Return": "UPDATE book SET reader = NULL WHERE title = %(title)s AND reader = %(reader)s",
    "Wait for": "INSERT INTO wish (title, reader) VALUES (%(title)s, %(reader)s)",
}


async def act(request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    async with await connect() as connection:
        done = await connection.execute(ACTS[form["act"]], form)
        if done.rowcount == 0:
            query = "SELECT coalesce(reader, 'nobody') || ' has ' || title FROM book"
            found = await connection.execute(f"{query} WHERE title = %(title)s", form)
            (problem,) = await found.fetchone() or ["there is no such book"]
            return PlainTextResponse(problem, 409)
        if form["act"] == "Return":
            # Before the commit: a book that nobody announced has not been returned.
            event = {"return_id": str(uuid4()), "title": form["title"]}
            await request.state.channel.default_exchange.publish(
                aio_pika.Message(json.dumps(event).encode(), delivery_mode=2), QUEUE
            )
    return RedirectResponse(f"/?reader={quote(form['reader'])}", 303)


async def seen_by(reader: str) -> tuple[dict[str, str], list[str]]:
    """The state of each book by its title, and the notices to this reader."""
    async with await connect() as connection:
        books = await connection.execute("SELECT title, reader FROM book ORDER BY title")
        notices = await connection.execute("SELECT words FROM notice WHERE reader = %s", [reader])
        states = {title: "lent" if holder else "free" for title, holder in await books.fetchall()}
        return states, [words for (words,) in await notices.fetchall()]


async def seen(request: Request) -> JSONResponse:
    books, notices = await seen_by(request.query_params["reader"])
    return JSONResponse({"books": books, "notices": notices})


async def page(request: Request) -> HTMLResponse:
    reader = request.query_params.get("reader", "")
    books, notices = await seen_by(reader)
    rows = "".join(
        f"<li>{escape(title)}: {state}<form method=post>"
        f'<input type=hidden name=reader value="{escape(reader)}">'
        f'<input type=hidden name=title value="{escape(title)}">'
        + "".join(
            f'<button name=act value="{name}">{name} {escape(title)}</button>' for name in ACTS
        )
        + "</form>"
        for title, state in books.items()
    )
    news = "".join(f"<li>{escape(words)}" for words in notices)
    return HTMLResponse(
        "<!doctype html><html lang=en><title>Lending desk</title><h1>Lending desk</h1>"
        f"<ul aria-label=Books>{rows}</ul><ul aria-label=Notices>{news}</ul>"
    )


async def connect() -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(os.environ["LIBRARY_DATABASE"])


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, object]]:
    async with await aio_pika.connect_robust(os.environ["LIBRARY_BROKER"]) as broker:
        channel = await broker.channel()
        # Here, too: what comes back before the notices run for the first time must not be lost.
        await channel.declare_queue(QUEUE, durable=True)
        yield {"channel": channel}


app = Starlette(
    routes=[
        Route("/", page),
        Route("/", act, methods=["POST"]),
        Route("/seen", seen),
        Route("/health", health),
    ],
    lifespan=lifespan,
)
