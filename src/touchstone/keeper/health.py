"""Whether services say that they can work."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterable
from urllib.parse import urlsplit


def all_answer(urls: Iterable[str], within: float) -> bool:
    """Whether a GET of each of these `http:` URLs is answered with 200 within so many seconds.

    All are asked before the first answer is read, by one thread: this stands between a scenario
    and its sandbox.
    """
    deadline = time.monotonic() + within
    with contextlib.ExitStack() as closing:
        asked = []
        try:
            for url in urls:
                parts = urlsplit(url)
                connection = http.client.HTTPConnection(parts.netloc, timeout=within)
                closing.callback(connection.close)
                connection.request("GET", parts.path)
                asked.append(connection)
            for connection in asked:
                connection.sock.settimeout(max(0.001, deadline - time.monotonic()))
                if connection.getresponse().status != http.HTTPStatus.OK:
                    return False
        except (OSError, http.client.HTTPException):
            return False
    return True
