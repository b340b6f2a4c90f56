"""The browser: one a worker process, started when the first test wants it.

    def test_two_people_see_the_same(browse):
        anna = browse("customer Anna", url_of_shop)
        boris = browse("clerk Boris", url_of_desk)

Each person has a context of their own, so that nobody shares a cookie with anybody. The contexts
are traced and closed by `touchstone.artefacts`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from touchstone import run
from touchstone.artefacts import recording_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright


class Browse(Protocol):
    """What the fixture `browse` gives. `options` are those of Playwright's `new_context`.

    Raises ValueError when the same person is to browse two different base URLs.
    """

    def __call__(
        self, name: str, base_url: str | None = None, *, locale: str = "en-GB", **options: Any
    ) -> Page: ...


ENVIRONMENT = "TOUCHSTONE_BROWSER"
_PLUGIN = "touchstone-browser"
TIMEOUT = 10_000  # milliseconds that an action or a navigation may take

_PROGRAMS = (
    "chromium-headless-shell",
    "/usr/lib/chromium/chromium-headless-shell",  # Debian's package, when PATH is short
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# A test machine has no use for the GPU process, nor for the browser's own traffic.
_ARGUMENTS = ("--disable-gpu", "--disable-background-networking")


class BrowserMissing(Exception):
    """No browser is installed, or the one that was asked for is not there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("touchstone").addoption(
        "--browser-path",
        metavar="PROGRAM",
        help=f"the Chromium to use (also ${ENVIRONMENT}); found by itself otherwise",
    )


def pytest_configure(config: pytest.Config) -> None:
    asked = config.getoption("browser_path") or os.environ.get(ENVIRONMENT)
    config.pluginmanager.register(BrowserPlugin(asked), _PLUGIN)


def find_browser(
    asked: str | None = None, which: Callable[[str], str | None] = shutil.which
) -> str | None:
    """Path of the browser to use; None means the one that Playwright has downloaded.

    Raises BrowserMissing when a browser was asked for by name and is not there.
    """
    if asked:
        path = which(asked)
        if not path:
            raise BrowserMissing(
                f"{asked}: no such program. --browser-path and ${ENVIRONMENT} take the path of a "
                "Chromium or Chrome; leave them out to use the one that is installed."
            )
        return path
    return next((path for program in _PROGRAMS if (path := which(program))), None)


class BrowserPlugin:
    """Keeps the browser of this process from its first use to the end of the session.

    It is not a session fixture's to close: the fixtures of the last test are torn down before
    that test's report is made, and the report may still want a trace.
    """

    def __init__(self, asked: str | None) -> None:
        self._asked = asked
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> Browser:
        """The running browser. Raises BrowserMissing."""
        if self._playwright is None:
            from playwright.sync_api import expect, sync_playwright

            expect.set_options(timeout=TIMEOUT)
            with run.scratch():
                self._playwright = sync_playwright().start()
            self._loop = asyncio.get_running_loop()
        else:
            asyncio._set_running_loop(self._loop)
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._launch(self._playwright)
        return self._browser

    def _launch(self, playwright: Playwright) -> Browser:
        from playwright.sync_api import Error

        path = find_browser(self._asked)
        try:
            return playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        except Error as error:
            raise BrowserMissing(_why(path, error.message)) from None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        # Playwright's synchronous API leaves its event loop marked as running in this thread, and
        # then asyncio.run() refuses to work. Marked is it only for tests that use the browser.
        try:
            return (yield)
        finally:
            if self._loop:
                asyncio._set_running_loop(None)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self._playwright is None:
            return
        asyncio._set_running_loop(self._loop)
        with suppress(Exception):
            if self._browser:
                self._browser.close()
            self._playwright.stop()
        asyncio._set_running_loop(None)


@pytest.fixture
def browser(pytestconfig: pytest.Config) -> Browser:
    """The browser of this worker process, shared by all its tests; for a page, use `browse`."""
    plugin = pytestconfig.pluginmanager.get_plugin(_PLUGIN)
    assert isinstance(plugin, BrowserPlugin)
    try:
        return plugin.start()
    except BrowserMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture
def browse(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Browse]:
    """Opens a browser for a named person; asked again for the same person, gives the same page."""
    pages: dict[str, tuple[str | None, Page]] = {}
    recording = recording_of(request.node)

    def open_for(
        name: str, base_url: str | None = None, *, locale: str = "en-GB", **options: Any
    ) -> Page:
        if name in pages:
            known_url, page = pages[name]
            if known_url != base_url:
                raise ValueError(f"{name} already browses {known_url}, not {base_url}")
            return page
        context = browser.new_context(base_url=base_url, locale=locale, **options)
        context.set_default_timeout(TIMEOUT)
        recording.add(name, context)
        pages[name] = base_url, context.new_page()
        return pages[name][1]

    yield open_for
    recording.close_pages()


def _why(path: str | None, message: str) -> str:
    if path:
        return f"{path} does not start as a browser:\n{message}"
    if "Executable doesn't exist" not in message:
        return f"Playwright's own browser does not start:\n{message}"
    return (
        "No browser was found: neither chromium-headless-shell, chromium nor google-chrome is "
        "installed, and Playwright has downloaded none. One of these helps:\n"
        "  apt-get install chromium-headless-shell      (Debian)\n"
        "  python -m playwright install --with-deps --only-shell chromium\n"
        f"  --browser-path PROGRAM or ${ENVIRONMENT}, for a Chromium in another place"
    )
