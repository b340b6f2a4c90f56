"""Browser windows for tests: none knows anything of what another test did, and few are made.

A window is a page in a context of its own. When its test is over, the context stays, and with it
the renderer process; the page goes. A new page has a history, a name, a session storage, routes and
listeners of its own by construction, so that only what belongs to the context has to be cleaned:

    cookies, storage, HTTP cache    cleared, of whatever origin
    what was done to the context    a test that touched anything of it that is not known to be
                                    harmless was its last
    what servers had it remember    so was one with such a header, a password in an address, a
                                    service worker or a second page
    what may still arrive           so was one with a request that outlives its page; a page that is
                                    closed runs no script any more, and a window is not given out
                                    with a cookie in it

A fresh window is made when none is there, and one ahead, while the first is used. Cleaning and
closing happen while the next test runs. Only Chromium can be cleaned.

The background is Playwright's own event loop. It goes on while a test waits for the browser, and in
it each piece of work has a greenlet of its own, as Playwright's event handlers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]
from playwright.sync_api import Error

from touchstone.browser.acts import Act, Outcome, outcome
from touchstone.waiting import sleeping

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request, Response

# Options of a context that every new page in it obeys as the first one did. The others record, or
# are used up.
_REPEATABLE = {
    *("accept_downloads", "base_url", "bypass_csp", "color_scheme", "contrast"),
    *("device_scale_factor", "forced_colors", "has_touch", "ignore_https_errors", "is_mobile"),
    *("java_script_enabled", "locale", "no_viewport", "reduced_motion", "screen"),
    *("strict_selectors", "timezone_id", "user_agent", "viewport"),
}
# What a test may touch, and the context is still used again. `tracing` is stopped by the cleaning.
_HARMLESS = {
    *("add_cookies", "clear_cookies", "cookies", "storage_state"),
    *("expect_console_message", "expect_event", "expect_page", "wait_for_event"),
    *("is_closed", "pages", "request", "service_workers", "tracing"),
}
_HARMLESS_REQUESTS = {"delete", "fetch", "get", "head", "patch", "post", "put", "storage_state"}
# Of a page everything goes with it but this, which Playwright does to the whole context.
_HARMFUL_TO_CONTEXT = {"expose_binding", "expose_function", "pause", "route_web_socket"}

# What a server can tell a browser to remember, and only the end of the context makes it forget.
_REMEMBERED = {
    *("accept-ch", "alt-svc", "nel", "origin-agent-cluster", "report-to", "reporting-endpoints"),
    *("strict-transport-security", "use-as-dictionary", "www-authenticate"),
}
# Requests that outlive their page when it asks for that, and whose answers may bring cookies.
_OUTLIVING = {"beacon", "fetch", "ping", "cspreport"}

_IDLE = 4  # windows that wait to be used again
_USES = 50  # of one window, since a process that never ends may grow
_ANSWER = 2_000  # milliseconds; a page that does not answer would keep the next one from opening


@dataclass(eq=False)
class _Window:
    options: Mapping[str, Any]
    page: Page
    uses: int = 1
    spent: bool = False
    left: bool = False
    unanswered: set[Request] = field(default_factory=set)

    def asked(self, request: Request) -> None:
        if "@" in urlsplit(request.url).netloc:
            self.spent = True  # a password, which is kept for every later request to the host
        if request.resource_type in _OUTLIVING:
            self.unanswered.add(request)

    def answered(self, response: Response) -> None:
        if not _REMEMBERED.isdisjoint(response.headers):
            self.spent = True

    def done(self, request: Request) -> None:
        self.unanswered.discard(request)


class ContextPool:
    """Opens windows in a running browser. `timeout` is milliseconds an action may take; `ahead`
    says whether there will be another window to make ready for."""

    def __init__(self, browser: Browser, timeout: float) -> None:
        self.browser = browser
        self.ahead = True
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._of_the_loop: greenlet | None = None
        self._loop.call_soon(self._begin)
        self._used: dict[BrowserContext, _Window] = {}
        self._free: list[_Window] = []
        self._coming = 0

    @property
    def ready(self) -> bool:
        """Whether a window waits to be used."""
        return bool(self._free)

    def open(self, options: Mapping[str, Any]) -> Page:
        """A page in a context that knows of no other test. `options` are those of `new_context`."""
        window = self._take(options) or self._make(options)
        self._used[window.page.context] = window
        if self.ahead and not self.ready and not self._coming:
            self._prepare(lambda: self._make(options))
        return window.page

    def leave(self, context: BrowserContext) -> None:
        """Close its pages; the context stays until `close`."""
        pages = context.pages
        window = self._used.get(context)
        if window and self.ahead and self._may_be_used_again(window):
            with suppress(Error):
                window.page.locator(":root").wait_for(state="attached", timeout=_ANSWER)
                # No last words: what a page sends when it is closed is answered after that.
                session = context.new_cdp_session(window.page)
                session.send("Emulation.setScriptExecutionDisabled", {"value": True})
                # Before the other is closed, so that the renderer process is never without a page.
                window.page = context.new_page()
                window.left = not window.unanswered
        for page in pages:
            page.close()

    def close(self, context: BrowserContext) -> None:
        """End it, or make it ready for another test, without waiting for that."""
        window = self._used.pop(context, None)
        if window and window.left:
            self._prepare(lambda: _renew(window), otherwise=context)
        else:
            self._end(context)

    def _take(self, options: Mapping[str, Any]) -> _Window | None:
        for window in self._free:
            if window.options == options:
                self._free.remove(window)
                with suppress(Error):
                    # A request that was cut off may have brought one after the cleaning.
                    if not (window.page.is_closed() or window.page.context.cookies()):
                        return window
                self._end(window.page.context)
                return None
        return None

    def _make(self, options: Mapping[str, Any]) -> _Window:
        context = self.browser.new_context(**options)
        context.set_default_timeout(self._timeout)
        window = _Window(options, context.new_page())
        context.on("request", window.asked)
        context.on("response", window.answered)
        context.on("requestfinished", window.done)
        context.on("requestfailed", window.done)
        _observe(window.page, window, _HARMFUL_TO_CONTEXT.__contains__)
        _observe(context.clock, window, lambda name: True)
        _observe(context.request, window, lambda name: name not in _HARMLESS_REQUESTS)
        _observe(context, window, lambda name: name not in _HARMLESS)
        return window

    def _may_be_used_again(self, window: _Window) -> bool:
        return (
            self.browser.browser_type.name == "chromium"
            and not window.spent
            and window.uses < _USES
            and window.options.keys() <= _REPEATABLE
            and window.page.context.pages == [window.page]
            and not window.page.context.service_workers
        )

    def _prepare(
        self, make: Callable[[], _Window], *, otherwise: BrowserContext | None = None
    ) -> None:
        """Make a window ready in the background, for whoever asks next."""
        self._coming += 1

        def work() -> None:
            try:
                window = make()
            except Error:  # trouble is whoever's who asks for a window and then has to make one
                if otherwise:
                    self._end(otherwise)
            else:
                self._free.append(window)
                while len(self._free) > (_IDLE if self.ahead else 0):
                    self._end(self._free.pop(0).page.context)
            finally:
                self._coming -= 1

        self.in_background(work)

    def _end(self, context: BrowserContext) -> None:
        def end() -> None:
            with suppress(Error):
                context.close()

        self.in_background(end)

    def in_background(self, work: Callable[[], None]) -> None:
        """Do it when Playwright's loop runs next, before what is asked of Playwright after this."""

        def do() -> None:
            # Cancelled is what still waits for a driver that is ended.
            with suppress(asyncio.CancelledError):
                work()

        # In the loop, so that the greenlet comes back to the loop when its work is done.
        self._loop.call_soon(lambda: greenlet(do).switch())

    def hand_over(self) -> None:
        """Let the loop begin what is to be done in the background, and wait for no answer."""
        if self._of_the_loop:  # it has run before, or there is nothing to begin
            self._loop.call_soon(getcurrent().switch)
            self._of_the_loop.switch()

    def at_once(self, acts: Sequence[Act]) -> list[Outcome]:
        """Do all of them, each going on while the others wait, and return when all have ended."""
        me, greenlets = getcurrent(), list[greenlet]()
        outcomes: dict[int, Outcome] = {}

        def begin(number: int, act: Act) -> None:
            def work() -> None:
                sleeping.set(self._sleep)
                outcomes[number] = outcome(act)
                if len(outcomes) == len(acts):
                    self._loop.call_soon(me.switch)

            greenlets.append(greenlet(work))  # in the loop, as in `in_background`
            greenlets[-1].switch()

        for number, act in enumerate(acts):
            self._loop.call_soon(begin, number, act)
        try:
            while len(outcomes) < len(acts):
                self._wait()
        finally:
            for unfinished in greenlets:
                if not unfinished.dead:
                    unfinished.parent = me
                    unfinished.throw()
        return [outcomes[number] for number in range(len(acts))]

    def _sleep(self, seconds: float) -> None:
        self._loop.call_later(seconds, getcurrent().switch)
        self._wait()

    def _wait(self) -> None:
        """Let the loop go on, until it comes back here. Raises Error when it has ended."""
        if self._of_the_loop is None or self._of_the_loop.dead:
            raise Error("The browser has ended.")
        self._of_the_loop.switch()

    def _begin(self) -> None:
        self._of_the_loop = getcurrent()


def _renew(window: _Window) -> _Window:
    """Clean a window for the next test; raises Error when it cannot be, and then it is closed."""
    context = window.page.context
    with suppress(Error):  # not started, or stopped already
        context.tracing.stop()
    session = context.new_cdp_session(window.page)
    session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    session.send("Network.clearBrowserCache")
    # The renderer process has a cache of its own, which is emptied when caching is switched off.
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.detach()
    _observe(window.page, window, _HARMFUL_TO_CONTEXT.__contains__)
    window.uses += 1
    window.left = window.spent = False
    return window


def _observe(thing: Any, window: _Window, spends: Callable[[str], bool]) -> None:
    """Have it noted in the window when anything public is touched that spends it."""
    kind = type(thing)

    class Observed(kind):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            if not name.startswith("_") and spends(name):
                window.spent = True
            return super().__getattribute__(name)

    Observed.__name__ = kind.__name__
    thing.__class__ = Observed
