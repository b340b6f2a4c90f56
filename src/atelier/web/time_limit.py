"""No request waits without an end, whatever it waits for."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.data.patience import OF_REQUESTS, patience


class TimeLimit:
    """ASGI middleware that raises TimeoutError where an answer has not begun in time.

    What the sender needs to send its body is not counted, nor how long the answer takes: that is
    the affair of whoever reads or streams it.
    """

    def __init__(self, app: ASGIApp, limit: float) -> None:
        """`limit` in seconds; a single statement may take a quarter of it, and no more than
        `OF_REQUESTS`."""
        self._app = app
        self._limit = limit
        self._patience = min(OF_REQUESTS, limit / 4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        patience.set(self._patience)
        clock = asyncio.get_running_loop()
        answering = False

        async def patiently() -> Message:
            deadline = limit.when()
            if deadline is None:
                return await receive()
            left = deadline - clock.time()
            limit.reschedule(None)
            try:
                return await receive()
            finally:
                if not answering:
                    limit.reschedule(clock.time() + left)

        async def begin(message: Message) -> None:
            nonlocal answering
            if not answering and message["type"] == "http.response.start":
                answering = True
                limit.reschedule(None)
            await send(message)

        async with asyncio.timeout(self._limit) as limit:
            await self._app(scope, patiently, begin)
