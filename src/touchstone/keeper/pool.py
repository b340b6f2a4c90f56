"""Sandboxes made ahead of demand, and removed behind the scenes."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Sequence

import psutil

from touchstone.keeper.owned_sandbox import OwnedSandbox
from touchstone.keeper.sandboxes import Sandboxes

_MEMORY_OF_ONE = 256 * 1024**2  # bytes


def size_for_this_machine() -> int:
    """How many sandboxes to hold ready: one a core, as far as memory goes."""
    room = psutil.virtual_memory().available // 4 // _MEMORY_OF_ONE
    return max(1, min(os.cpu_count() or 1, room))


class Pool:
    """Sandboxes made ahead of demand, by one background thread.

    It makes no more than `expect` announced, so that a run of one scenario makes one sandbox.
    """

    def __init__(self, sandboxes: Sandboxes, size: int) -> None:
        self._sandboxes = sandboxes
        self._size = size
        self._ready: deque[OwnedSandbox] = deque()
        self._changed = threading.Condition()
        self._expected = 0
        self._dropping: deque[OwnedSandbox] = deque()
        self._closed = False
        self._filling = threading.Thread(target=self._fill, daemon=True)
        self._clearing = threading.Thread(target=self._clear_away, daemon=True)
        self._filling.start()
        self._clearing.start()

    def expect(self, count: int) -> None:
        """Announce that `count` sandboxes will be asked for."""
        with self._changed:
            self._expected = count
            self._changed.notify_all()

    @property
    def ready(self) -> Sequence[OwnedSandbox]:
        """Those that wait to be taken."""
        with self._changed:
            return list(self._ready)

    def take(self) -> tuple[OwnedSandbox, bool]:
        """A sandbox, and whether it was ready; made from nothing when none is."""
        with self._changed:
            self._expected = max(0, self._expected - 1)
        while True:
            with self._changed:
                made = self._ready.popleft() if self._ready else None
                self._changed.notify_all()
            if made is None:
                return self._sandboxes.make(), False
            # It may have waited for long: a process may have died, a consumer stopped.
            if made.healthy():
                return made, True
            self.drop(made)

    def drop(self, made: OwnedSandbox) -> None:
        """Have a sandbox removed in the background."""
        with self._changed:
            self._dropping.append(made)
            self._changed.notify_all()

    def close(self) -> None:
        """Make and drop no more; what is left goes with its `Sandboxes`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._filling.join()
        self._clearing.join()

    def _fill(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or len(self._ready) < min(self._size, self._expected)
                )
                if self._closed:
                    return
            made = None
            with contextlib.suppress(Exception):
                # A scenario that asks for one makes its own then, and is told what went wrong.
                made = self._sandboxes.make()
            with self._changed:
                if made:
                    self._ready.append(made)
                else:
                    self._expected = 0
                self._changed.notify_all()

    def _clear_away(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._dropping)
                if self._closed:
                    return
                made = self._dropping.popleft()
            with contextlib.suppress(Exception):
                self._sandboxes.drop(made)
