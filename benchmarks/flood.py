"""A partner's program that sends far too much, as a process of its own.

    python -m benchmarks.flood ADDRESS KEY MODEL RATE

Sends MODEL (a file) as orders, RATE a second, until its standard input ends; every half second, and
at the end, it prints how many were accepted and refused so far. It comes behind everything else on
this machine, as one that runs elsewhere would, and its requests are made beforehand, but for their
idempotency keys.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

_SENDERS = 4
_BOUNDARY = "a-partners-model"


class Flood:
    """`rate` is in requests a second, of all senders together."""

    def __init__(self, address: str, key: str, model: bytes, rate: float) -> None:
        self.accepted = self.refused = 0
        self._server = urlsplit(address).netloc
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        }
        self._body = _form(model)
        self._pause = _SENDERS / rate
        self._counting = threading.Lock()

    def send(self) -> None:
        """As one of the senders, for good."""
        connection = http.client.HTTPConnection(self._server, timeout=60)
        due = time.monotonic()
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + self._pause, time.monotonic() - 1)
            status = self._one(connection)
            with self._counting:
                self.accepted += status == 202
                self.refused += status == 429

    def _one(self, connection: http.client.HTTPConnection) -> int | None:
        headers = {**self._headers, "Idempotency-Key": str(uuid4())}
        try:
            connection.request("POST", "/api/v1/orders", self._body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except OSError:
            connection.close()  # an answer that came before all was sent; the next one connects
            return None


def _form(model: bytes) -> bytes:
    def part(name: str, content: bytes) -> bytes:
        head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n"
        return head.encode() + content + b"\r\n"

    fields = part('name="metal"', b"silver-925") + part('name="model"; filename="many.stl"', model)
    return fields + f"--{_BOUNDARY}--\r\n".encode()


def main() -> None:
    os.nice(19)
    address, key, model, rate = sys.argv[1:]
    flood = Flood(address, key, Path(model).read_bytes(), float(rate))
    for _ in range(_SENDERS):
        threading.Thread(target=flood.send, daemon=True).start()
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    while not ended.wait(0.5):
        print(flood.accepted, flood.refused, flush=True)
    print(flood.accepted, flood.refused, flush=True)


if __name__ == "__main__":
    main()
