"""Worker processes that measure models, so that no model can harm anything but its own worker."""

from __future__ import annotations

import asyncio
import signal
import socket
from dataclasses import dataclass

import structlog

from atelier.domain.models3d import ModelRejected, Solid
from atelier.pricing.fork_server import ForkServer, ForkServerGone
from atelier.pricing.worker import LENGTH, WorkerFault, solid_of

log = structlog.get_logger(__name__)

# Behind all that people wait for: pages, databases, and a model that has an express worker.
_NICENESS = 10


class WorkerLost(Exception):
    """The worker ended before it answered: the model, or somebody, has killed it."""


class TookTooLong(Exception):
    """The model could not be measured within the time limit."""


@dataclass(frozen=True)
class _Worker:
    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Pool:
    """Starts a worker when a model comes and none is idle, and keeps it for the next model.

    `time_limit` (seconds) and `memory` (bytes) hold for each model. How many models are measured
    at a time is the caller's decision. `fork_server` is one that was forked ahead; without, or when
    it is lost, one is spawned.
    """

    def __init__(
        self, time_limit: float, memory: int, fork_server: ForkServer | None = None
    ) -> None:
        self._time_limit = time_limit
        self._memory = memory
        self._fork_server = fork_server
        self._idle: dict[bool, list[_Worker]] = {True: [], False: []}
        self._busy: set[_Worker] = set()

    async def measure(self, model: bytes, *, express: bool = False) -> Solid:
        """What `domain.models3d.measure` says of the model.

        An express worker runs at this process's priority, the others behind it.
        Raises ModelRejected, WorkerLost, TookTooLong, WorkerFault.
        """
        taken = await self._worker(express)
        self._busy.add(taken)
        try:
            async with asyncio.timeout(self._time_limit):
                answer = await _ask(taken, model)
        except TimeoutError:
            await self._end(taken)
            raise TookTooLong(f"not measured within {self._time_limit:g} s") from None
        except (OSError, asyncio.IncompleteReadError):
            raise WorkerLost(await self._end(taken, lost=True)) from None
        except BaseException:
            await self._end(taken)
            raise
        finally:
            self._busy.discard(taken)
        try:
            found = solid_of(answer)
        except WorkerFault:
            await self._end(taken)  # whatever state it is in, the next model gets a fresh one
            raise
        except ModelRejected:
            self._idle[express].append(taken)
            raise
        self._idle[express].append(taken)
        return found

    async def close(self) -> None:
        """End all workers, busy or not."""
        for each in (*self._idle[True], *self._idle[False], *self._busy):
            each.writer.close()
        if self._fork_server is not None:
            await self._fork_server.close()
            self._fork_server = None

    async def _worker(self, express: bool) -> _Worker:
        idle = self._idle[express]
        while idle:
            found = idle.pop()
            # One that was killed while nobody needed it has closed its connection.
            if not found.reader.at_eof():
                return found
            await self._end(found, lost=True)
        return await self._started(express)

    async def _started(self, express: bool) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = await self._born(theirs, 0 if express else _NICENESS)
            except BaseException:
                ours.close()
                raise
        reader, writer = await asyncio.open_connection(sock=ours)
        log.info("pricing worker started", pid=pid, express=express)
        return _Worker(pid, reader, writer)

    async def _born(self, connection: socket.socket, niceness: int) -> int:
        fork_server = self._running(None)
        try:
            return await fork_server.fork_worker(connection, niceness)
        except ForkServerGone as error:
            log.warning("pricing fork server lost", reason=str(error))
            await fork_server.close()
            return await self._running(fork_server).fork_worker(connection, niceness)

    def _running(self, lost: ForkServer | None) -> ForkServer:
        """The fork server; another one if it is still the `lost` one."""
        if self._fork_server is None or self._fork_server is lost:
            self._fork_server = ForkServer.spawn(self._memory)
        return self._fork_server

    async def _end(self, worker: _Worker, *, lost: bool = False) -> str:
        """See to it that the worker is gone; says what became of it."""
        worker.writer.close()
        try:
            code = await self._running(None).end(worker.pid, lost=lost)
        except ForkServerGone:
            told = "all others"
        else:
            told = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        log.warning("pricing worker ended", pid=worker.pid, how=told)
        return f"the worker ended with {told}"


async def _ask(asked: _Worker, model: bytes) -> bytes:
    asked.writer.write(LENGTH.pack(len(model)))
    asked.writer.write(model)
    await asked.writer.drain()
    length = await asked.reader.readexactly(LENGTH.size)
    return await asked.reader.readexactly(LENGTH.unpack(length)[0])
