"""The fork server: a process that has measured nothing yet and does nothing but fork workers.

A process whose event loop runs has threads, and can fork no more. So the serving process forks its
fork server before (`ForkServer.fork`), which costs milliseconds; where that is not possible, it is
started as a new interpreter (`ForkServer.spawn`, or `python -m atelier.pricing.fork_server`).

File descriptor 0 of the fork server is a socket. A request is `>ci`, and its answer `>i`:

- `f`, niceness, with a worker's end of a connection: fork a worker; its process id
- `e`, process id: end that worker; its exit code, negative for a signal
- `l`, process id: the same for one that closed its connection, and so is ending by itself

When the socket closes, the fork server ends its workers and then itself. Should it be killed, Linux
ends the workers. Signals that stop the serving process are not for them: it finishes what it holds.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from atelier.pricing import worker

_REQUEST, _ANSWER = struct.Struct(">ci"), struct.Struct(">i")
_FORK, _END, _LOST = b"f", b"e", b"l"
_PR_SET_PDEATHSIG = 1
_ENDING_TAKES = 1.0  # seconds at most


class ForkServerGone(Exception):
    """The fork server ended, and its workers with it."""


class ForkServer:
    """The serving process's end of it."""

    def __init__(self, control: socket.socket, reap: Callable[[], object]) -> None:
        control.setblocking(False)
        self._control = control
        self._reap = reap
        self._asking = asyncio.Lock()

    @classmethod
    def fork(cls, memory: int) -> ForkServer:
        """`memory` (bytes) is what each worker may take. Only for a process without threads."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            os.dup2(theirs.fileno(), 0)
            # Above all the listening sockets, which would outlive the serving process here.
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            _live(memory)
        theirs.close()
        return cls(ours, lambda: os.waitpid(pid, 0))

    @classmethod
    def spawn(cls, memory: int) -> ForkServer:
        """The same in a new interpreter."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "atelier.pricing.fork_server", str(memory)],
                stdin=theirs.fileno(),
            )
        return cls(ours, process.wait)

    async def fork_worker(self, connection: socket.socket, niceness: int) -> int:
        """A new worker at the other end of `connection`; its process id. Raises ForkServerGone."""
        return await self._answer(_FORK, niceness, connection.fileno())

    async def end(self, pid: int, *, lost: bool = False) -> int:
        """The exit code of a worker that is gone now; `lost` for one that was ending by itself.

        Raises ForkServerGone.
        """
        return await self._answer(_LOST if lost else _END, pid)

    async def close(self) -> None:
        """End all workers, unless it has been closed already."""
        if self._control.fileno() != -1:
            self._control.close()
            await asyncio.to_thread(self._reap)

    async def _answer(self, what: bytes, number: int, *given: int) -> int:
        # To its end even when the caller is cancelled: the next answer must not be taken for it.
        return await asyncio.shield(asyncio.create_task(self._ask(what, number, given)))

    async def _ask(self, what: bytes, number: int, given: Sequence[int]) -> int:
        loop = asyncio.get_running_loop()
        async with self._asking:
            try:
                # So small that it always fits into the socket's buffer.
                socket.send_fds(self._control, [_REQUEST.pack(what, number)], given)
                answer = await loop.sock_recv(self._control, _ANSWER.size)
            except OSError as error:
                raise ForkServerGone(str(error)) from error
        if len(answer) < _ANSWER.size:
            raise ForkServerGone("it closed its socket")
        return int.from_bytes(answer, "big", signed=True)


def _live(memory: int) -> NoReturn:
    """The life of a fork server: serve requests until the socket closes."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _die_with_parent()
        _serve(socket.socket(fileno=0), memory)
        status = 0
    finally:
        # Not sys.exit: what the serving process registered for its end is not the fork server's.
        os._exit(status)


def _serve(control: socket.socket, memory: int) -> None:
    workers: set[int] = set()
    while True:
        request, given, _, _ = socket.recv_fds(control, _REQUEST.size, 1, socket.MSG_WAITALL)
        if len(request) < _REQUEST.size:
            break
        what, number = _REQUEST.unpack(request)
        if what == _FORK:
            pid = os.fork()
            if pid == 0:
                control.close()
                _work(socket.socket(fileno=given[0]), number, memory)
            os.close(given[0])
            workers.add(pid)
            control.sendall(_ANSWER.pack(pid))
        else:
            if what == _LOST and number in workers:
                _let_end(number)
            control.sendall(_ANSWER.pack(_ended(number, workers)))
    for pid in list(workers):
        _ended(pid, workers)


def _work(connection: socket.socket, niceness: int, memory: int) -> NoReturn:
    status = 1
    try:
        _die_with_parent()
        os.nice(niceness)
        worker.run(connection, memory)
        status = 0
    finally:
        os._exit(status)


def _let_end(pid: int) -> None:
    """Give a worker the time to end with its own exit code, and leave that to be collected."""
    until = time.monotonic() + _ENDING_TAKES
    while time.monotonic() < until:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)


def _ended(pid: int, workers: set[int]) -> int:
    if pid not in workers:
        return 0
    workers.discard(pid)
    # Not collected yet, so the number is nobody else's.
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _die_with_parent() -> None:
    """Linux ends this process when its parent ends; elsewhere a closed socket does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _live(int(sys.argv[1]))
