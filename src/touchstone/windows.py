"""Browser windows for tests: each in a fresh context, and the next made while the last is used.

Most of what a new window costs is the start of its renderer process. So when a window is given out,
another with the same options is made in the background, for whoever asks next; and a context is
closed while the next test goes on. Nothing is used twice, hence nothing has to be cleaned.

The background is Playwright's own event loop. It goes on while a test waits for the browser, and in
it each piece of work has a greenlet of its own, as Playwright's event handlers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from greenlet import greenlet  # type: ignore[import-untyped]
from playwright.sync_api import Error

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


class Windows:
    """Opens windows in a running browser. `timeout` is milliseconds an action may take; `ahead`
    says whether there will be another window to make ready for."""

    def __init__(self, browser: Browser, timeout: float) -> None:
        self.browser = browser
        self.ahead = True
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._spare: tuple[Mapping[str, Any], Page] | None = None
        self._making = False

    @property
    def ready(self) -> bool:
        """Whether a window has been made ahead."""
        return self._spare is not None

    def open(self, options: Mapping[str, Any]) -> Page:
        """A page in a context that nobody has used. `options` are those of `new_context`."""
        page = self._take(options) or self._make(options)
        if self.ahead and not self.ready and not self._making:
            self._making = True
            self._in_background(lambda: self._make_ahead(options))
        return page

    def close(self, context: BrowserContext) -> None:
        """Close it, without waiting for that."""

        def end() -> None:
            with suppress(Error):
                context.close()

        self._in_background(end)

    def _take(self, options: Mapping[str, Any]) -> Page | None:
        if self._spare is None:
            return None
        made_for, page = self._spare
        self._spare = None
        if made_for == options and not page.is_closed():
            return page
        self.close(page.context)
        return None

    def _make(self, options: Mapping[str, Any]) -> Page:
        context = self.browser.new_context(**options)
        context.set_default_timeout(self._timeout)
        return context.new_page()

    def _make_ahead(self, options: Mapping[str, Any]) -> None:
        try:
            # Trouble is whoever's who asks for a window and then has to make one.
            with suppress(Error):
                page = self._make(options)
                if self.ahead:
                    self._spare = options, page
                else:
                    self.close(page.context)
        finally:
            self._making = False

    def _in_background(self, work: Callable[[], None]) -> None:
        # In the loop, so that the greenlet comes back to the loop when its work is done.
        self._loop.call_soon(lambda: greenlet(work).switch())
