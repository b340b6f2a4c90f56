"""How long a connection may take to send a request, and how long the head of one may be.

uvicorn waits for ever for the rest of a request that has begun, and keeps whatever head it gets. A
client that sends a byte a minute would hold a connection each, until there are no more.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD: Final = 64 * 1024  # bytes


def _in_both_languages(status: str, english: str, russian: str) -> bytes:
    """An answer to whoever may not have told us their language yet."""
    text = f"{english}\n{russian}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + text


_TOO_LONG: Final = _in_both_languages(
    "431 Request Header Fields Too Large",
    "The address and the headers of a request have 64 kB at most.",
    "Адрес и заголовки запроса занимают не больше 64 КБ.",
)
_TOO_SLOW: Final = _in_both_languages(
    "408 Request Timeout",
    "The request did not come whole. Try again.",
    "Запрос пришёл не целиком. Попробуйте ещё раз.",
)


class PatientProtocol(HttpToolsProtocol):
    """Closes connections that are too slow: with 408 where nothing has been answered yet.

    A head has `HEAD_WITHIN` seconds, from its first byte or from the connection's beginning. A body
    has `SILENCE` seconds for each next part, and for all of it `BODY_WITHIN` and what `LEAST_RATE`
    (bytes a second) allows; while we are the ones who do not read, no time passes. What comes after
    the answer, as of a file that was refused, is read and thrown away for `SILENCE` seconds.
    """

    HEAD_WITHIN = 10.0
    SILENCE = 10.0
    BODY_WITHIN = 30.0
    LEAST_RATE = 4096

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_size = 0
        self._body_size = 0
        self._body_seconds = 0.0
        self._silent = 0.0
        self._answered = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self.HEAD_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head and self._timer is None:  # a kept connection's next request, or blanks
            self._wait(self.HEAD_WITHIN)
        self._silent = 0.0
        self._body_size += len(data)
        self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(_TOO_LONG)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        self._body_size, self._body_seconds, self._silent, self._answered = 0, 0.0, 0.0, 0.0
        self._stop()
        self._wait(1.0)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_size = True, 0
        self._stop()

    def _wait(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._time_is_up, seconds)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self, seconds: float) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(_TOO_SLOW)
            return
        if not self.flow.read_paused:
            self._silent += seconds
            self._body_seconds += seconds
        allowed = self.BODY_WITHIN + self._body_size / self.LEAST_RATE
        if self.cycle.response_complete:
            self._answered += seconds
        if max(self._silent, self._answered) >= self.SILENCE or self._body_seconds > allowed:
            self._refuse(_TOO_SLOW)
        else:
            self._wait(1.0)

    def _refuse(self, answer: bytes) -> None:
        self._stop()
        # In the middle of an answer nothing can be said any more; between two nothing is expected.
        answering = self.cycle is not None and not self.cycle.response_complete
        begun = answering and self.cycle.response_started
        nothing_came = self._in_head and not self._head_size
        if not begun and not nothing_came and not (self._in_head and answering):
            self.transport.write(answer)
        self.transport.close()
