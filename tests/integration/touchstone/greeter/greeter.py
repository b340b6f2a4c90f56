"""The smallest platform that touchstone can test: one service, one database, no jewellery."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg


def migrate() -> None:
    """Make the one table."""
    with psycopg.connect(os.environ["GREETER_DATABASE"]) as connection:
        connection.execute("CREATE TABLE guest (name text PRIMARY KEY)")


def serve(listeners: Mapping[str, socket.socket]) -> None:
    """Answer on the one socket until killed."""
    (listener,) = listeners.values()
    listener.setblocking(True)
    server = HTTPServer(listener.getsockname(), Desk, bind_and_activate=False)
    server.socket = listener
    server.serve_forever()


class Desk(BaseHTTPRequestHandler):
    """GET lists the guests, POST /name adds one, GET /health says that the desk is open."""

    def do_GET(self) -> None:
        """The names of the guests, one a line."""
        if self.path == "/health":
            self._answer("open")
            return
        with psycopg.connect(os.environ["GREETER_DATABASE"]) as connection:
            rows = connection.execute("SELECT name FROM guest ORDER BY name").fetchall()
        self._answer("\n".join(name for (name,) in rows))

    def do_POST(self) -> None:
        """Add the guest that the path names."""
        with psycopg.connect(os.environ["GREETER_DATABASE"]) as connection:
            connection.execute("INSERT INTO guest VALUES (%s)", [self.path.strip("/")])
        self._answer("welcome")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
