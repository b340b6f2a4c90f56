"""Playwright's driver: a process, and an event loop in the thread of the tests.

Whatever happens to it – it dies, it hangs, its browser does – it can be ended here without anything
being left, and another be started. Nothing waits for it without an end:

    with driver.within(5):
        page.close()
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from touchstone import run
from touchstone.waiting import eventually_async

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_END = 5.0  # seconds that a driver that was killed or told to stop may take to be gone


class NoAnswer(Exception):
    """Neither the browser nor its driver has answered in time."""


class OtherThread(RuntimeError):
    """A page was used in another thread than the one that opened it, which cannot work."""

    def __init__(self) -> None:
        super().__init__(
            "A page belongs to the thread of its test, and this is another thread. For what two "
            "people do at the same moment there is the fixture `at_once`."
        )


class Driver:
    """`playwright` is what its `sync_playwright()` gives."""

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright

        others = set(psutil.Process().children())
        self._thread = threading.get_ident()
        with run.scratch():
            self.playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self._loop.set_task_factory(self._task)
        self._process = next(iter(set(psutil.Process().children()) - others), None)
        self._browsers: list[psutil.Process] = []

    def resume(self) -> None:
        """Mark its loop as running in this thread, as Playwright does from its start on."""
        asyncio._set_running_loop(self._loop)

    def launched(self, browser: Browser) -> Browser:
        """Note a browser of this driver, which is whole only while the browser lives."""
        if self._process:
            self._browsers = self._process.children()
        return browser

    def is_whole(self) -> bool:
        """Whether the driver and its browser are alive and not stopped."""
        if self._loop.is_closed() or self._process is None:
            return False
        return all(map(_works, [self._process, *self._browsers]))

    def must_be_whole(self) -> None:
        """Raises NoAnswer."""
        if not self.is_whole():
            raise NoAnswer("the browser or its driver has ended, or stands still")

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raises NoAnswer in the block when it waits for the browser when the time is over."""
        waiting = getcurrent()
        bell = self._loop.call_later(seconds, _ring, waiting, seconds)
        try:
            yield
        finally:
            bell.cancel()

    def end(self, *, kill: bool = False) -> None:
        """Stop it, and whatever it has started. `kill` is for one that may not listen any more."""
        if kill:
            for process in self._family():
                with suppress(psutil.Error):
                    process.kill()
        if self._loop.is_running():  # that of a driver that has died is not, and must not be marked
            self.resume()
        else:
            asyncio._set_running_loop(None)
        # Playwright would close the loop before everything in it has come to its end.
        close, self._loop.close = self._loop.close, lambda: None  # type: ignore[method-assign]
        with suppress(Exception):
            self.playwright.stop()
        asyncio._set_running_loop(None)
        self._loop.set_task_factory(None)
        with suppress(Exception):
            self._loop.run_until_complete(self._come_to_its_end())
        close()

    async def _come_to_its_end(self) -> None:
        """End what is open in the loop: it would complain later, in somebody else's test."""
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await eventually_async(self._is_gone, timeout=_END)
        # The process's end is told to the transport, and the transport closes its pipes.
        await asyncio.sleep(0.02)
        await asyncio.get_running_loop().shutdown_asyncgens()

    async def _is_gone(self) -> bool:
        return self._process is None or not self._process.is_running()

    def _family(self) -> list[psutil.Process]:
        if self._process is None:
            return self._browsers
        with suppress(psutil.Error):
            return [*self._browsers, *self._process.children(recursive=True), self._process]
        return self._browsers

    def _task(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Generator[Any, None, Any] | Coroutine[Any, Any, Any],
        **options: Any,
    ) -> asyncio.Task[Any]:
        """Every question to the browser is a task. From another thread it would wait in vain, and
        break the loop for all that come after it."""
        if threading.get_ident() != self._thread:
            work.close()
            raise OtherThread
        return asyncio.Task(work, loop=loop, **options)


def _works(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() not in (
            psutil.STATUS_ZOMBIE,
            psutil.STATUS_DEAD,
            psutil.STATUS_STOPPED,
        )
    return False


def _ring(waiting: greenlet, seconds: float) -> None:
    waiting.throw(NoAnswer(f"the browser has not answered within {seconds:g} s"))
