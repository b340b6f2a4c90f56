"""The page under test of `benchmarks.browser`: a form and what comes of it. Prints its address."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import parse_qs

STYLE = """
body { font: 16px sans-serif; margin: 2rem; max-width: 40rem }
label { display: block; margin: .5rem 0 }
button { padding: .5rem 1rem }
"""

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Rings</title><link rel="stylesheet" href="/style.css"></head>
<body>{}</body>
</html>"""

FORM = """<h1>A ring to order</h1>
<form method="post" action="/orders">
<label>Metal <select name="metal"><option>silver 925<option>gold 585</select></label>
<label>Name <input name="name"></label>
<label>Engraving <input name="engraving"></label>
<button>Order</button>
</form>"""

THANKS = '<h1>Thank you</h1><p role="status">{name}, {metal}, “{engraving}”</p>'


def answer(method: str, path: str, body: str) -> tuple[str, str, str]:
    """Status, content type, content."""
    if path == "/style.css":
        return "200 OK", "text/css", STYLE
    if method == "POST":
        fields = {name: escape(values[0]) for name, values in parse_qs(body).items()}
        return "200 OK", "text/html; charset=utf-8", PAGE.format(THANKS.format(**fields))
    if path == "/":
        return "200 OK", "text/html; charset=utf-8", PAGE.format(FORM)
    return "404 Not Found", "text/plain", ""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            method, path, _ = head.split("\r\n")[0].upper().split(" ")
            _, _, length = head.partition("content-length:")
            body = await reader.readexactly(int(length.split("\r\n")[0] or 0))
            status, kind, text = answer(method, path.lower(), body.decode())
            content = text.encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}"
            writer.write(f"{head}\r\n\r\n".encode() + content)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
