"""How the processes of a run talk to each other: a message is one JSON object on one line.

The keeper and its clients do, the zygote and its owner, and the zygote and the children that it
spawns. Where one end asks, the other answers each question with one message, in turn.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO


def line(message: Mapping[str, Any]) -> bytes:
    """The message as it is written."""
    return json.dumps(message).encode() + b"\n"


def read(lines: BinaryIO) -> dict[str, Any] | None:
    """The next message; None when the other end has closed, be it in the middle of a line."""
    text = lines.readline()
    if not text.endswith(b"\n"):
        return None
    message: dict[str, Any] = json.loads(text)
    return message


class Channel:
    """One end of a connected stream socket, and its owner."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._lines = stream.makefile("rb")

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message. Raises OSError when the other end has closed."""
        self._stream.sendall(line(message))

    def receive(self) -> dict[str, Any] | None:
        """The next message; None when the other end has closed. Raises OSError when it broke."""
        return read(self._lines)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Every message that comes, until the other end closes."""
        while (message := self.receive()) is not None:
            yield message

    def close(self) -> None:
        """Close this end, of which no other thread may be waiting for a message."""
        self._lines.close()
        self._stream.close()
