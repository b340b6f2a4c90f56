"""What lies between the platform and a backing service, and can be shut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from urllib.parse import urlsplit

_HOST = "127.0.0.1"


class Way(StrEnum):
    """In which way a service is away, or is not."""

    OPEN = "open"
    STOPPED = "stopped"  # connections break, and new ones are refused
    FROZEN = "frozen"  # connections live and are made, and nothing comes over them


class Gate:
    """Passes on all that comes to its own port, in a thread of its own, as long as it is open."""

    def __init__(self, address: str) -> None:
        """`address` is the service's, such as `postgresql://user@host:5432/name`."""
        parts = urlsplit(address)
        assert parts.hostname is not None
        assert parts.port is not None
        self._to = parts.hostname, parts.port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._flows = asyncio.Event()
        self._through: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.used = 0
        """How many connections came."""

    def address(self, of: str) -> str:
        """The service's address `of`, by way of this gate."""
        parts = urlsplit(of)
        account, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{account}{at}{_HOST}:{self._port}").geturl()

    def turn(self, way: Way) -> None:
        """From now on the service is away in this way."""
        asyncio.run_coroutine_threadsafe(self._turn(way), self._loop).result(timeout=10)

    def begin(self) -> None:
        self._thread.start()
        self.turn(Way.OPEN)

    def end(self) -> None:
        try:
            self.turn(Way.STOPPED)
            asyncio.run_coroutine_threadsafe(_all_others(), self._loop).result(timeout=10)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _turn(self, way: Way) -> None:
        if way is Way.FROZEN:
            self._flows.clear()
        else:
            self._flows.set()
        if way is not Way.STOPPED and self._server is None:
            self._server = await asyncio.start_server(self._come, _HOST, self._port)
            self._port = self._server.sockets[0].getsockname()[1]
        elif way is Way.STOPPED and self._server is not None:
            self._server.close()
            self._server = None
            for writer in list(self._through):
                writer.transport.abort()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.used += 1
        self._through.add(writer)
        onward = None
        try:
            await self._flows.wait()
            there, onward = await asyncio.open_connection(*self._to)
            self._through.add(onward)
            flows = [
                asyncio.create_task(self._pass_on(*ends))
                for ends in ((reader, onward), (there, writer))
            ]
            _, other = await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
            for task in other:
                task.cancel()
        except OSError:
            pass
        finally:
            for end in filter(None, (writer, onward)):
                self._through.discard(end)
                end.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(1 << 16):
                await self._flows.wait()
                writer.write(content)
                await writer.drain()
            # What is written is on its way before the connection is closed.
            writer.write_eof()
            await writer.drain()


async def _all_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def gate_to(address: str) -> Iterator[Gate]:
    """A gate to the service of this address, open at first."""
    gate = Gate(address)
    gate.begin()
    try:
        yield gate
    finally:
        gate.end()
