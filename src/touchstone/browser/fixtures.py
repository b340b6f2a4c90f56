"""The browser: one a worker process, started when the first test wants it.

    def test_two_people_see_the_same(browse):
        anna = browse("customer Anna", url_of_shop)
        boris = browse("clerk Boris", url_of_desk)

Each person has a context of their own, so that nobody shares a cookie with anybody, and none knows
of another test (`context_pool`). They are recorded and closed by `touchstone.report.artefacts`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from touchstone.report.artefacts import recording_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from touchstone.browser.context_pool import ContextPool
    from touchstone.browser.driver import Driver


class Browse(Protocol):
    """What the fixture `browse` gives. `options` are those of Playwright's `new_context`.

    Raises ValueError when the same person is to browse two different base URLs.
    """

    def __call__(
        self, name: str, base_url: str | None = None, *, locale: str = "en-GB", **options: Any
    ) -> Page: ...


class AtOnce(Protocol):
    """What the fixture `at_once` gives: the results of `in_windows`, then those of `elsewhere`."""

    def __call__(
        self,
        in_windows: Sequence[Callable[[], Any]] = (),
        elsewhere: Sequence[Callable[[], Any]] = (),
    ) -> list[Any]: ...


ENVIRONMENT = "TOUCHSTONE_BROWSER"
ENGINES = ("chromium", "firefox", "webkit")
_PLUGIN = "touchstone-browser"
TIMEOUT = 10_000  # milliseconds that an action or a navigation may take
_PATIENCE = 10.0  # seconds in which a browser opens or closes a window; else it hangs

_PROGRAMS = (
    "chromium-headless-shell",
    "/usr/lib/chromium/chromium-headless-shell",  # Debian's package, when PATH is short
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# What Playwright switches off – of several such arguments Chromium obeys the last – and
# RenderDocument, which builds the frame, view and compositor of a page anew for each document.
NO_FEATURES = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"),
    *("PreconnectToSearch", "msForceBrowserSignIn", "msEdgeUpdateLaunchServicesPreferredVersion"),
    "RenderDocument",
)
_ARGUMENTS = (
    # A test machine has no use for the GPU process, nor for the browser's own traffic.
    *("--disable-gpu", "--disable-background-networking"),
    # All pages of one context in one process (those of another never share it), so that a new page
    # need not start one.
    "--renderer-process-limit=1",
    f"--disable-features={','.join(NO_FEATURES)}",
)


_NO_FFMPEG = (
    "--video needs the ffmpeg that Playwright downloads:\n  python -m playwright install ffmpeg"
)


class BrowserMissing(Exception):
    """No browser is installed, or the one that was asked for is not there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("touchstone")
    group.addoption(
        "--browser",
        choices=ENGINES,
        default=ENGINES[0],
        help="the browser that the tests use (default: chromium)",
    )
    group.addoption(
        "--browser-path",
        metavar="PROGRAM",
        help=f"the program to use as that browser (also ${ENVIRONMENT}); found by itself otherwise",
    )


def pytest_configure(config: pytest.Config) -> None:
    asked = config.getoption("browser_path") or os.environ.get(ENVIRONMENT)
    config.pluginmanager.register(BrowserPlugin(config.getoption("browser"), asked), _PLUGIN)


def find_browser(
    asked: str | None = None,
    which: Callable[[str], str | None] = shutil.which,
    *,
    engine: str = "chromium",
) -> str | None:
    """Path of the browser to use; None means the one that Playwright has downloaded, which for
    Firefox and WebKit is the only kind that it can drive.

    Raises BrowserMissing when a browser was asked for by name and is not there.
    """
    if asked:
        path = which(asked)
        if not path:
            raise BrowserMissing(
                f"{asked}: no such program. --browser-path and ${ENVIRONMENT} take the path of "
                f"a {engine}; leave them out to use the one that is installed."
            )
        return path
    if engine != "chromium":
        return None
    return next((path for program in _PROGRAMS if (path := which(program))), None)


class BrowserPlugin:
    """Keeps the browser of this process from its first use to the end of the session.

    It is not a session fixture's to close: the fixtures of the last test are torn down before
    that test's report is made, and the report may still want a trace.
    """

    def __init__(self, engine: str, asked: str | None) -> None:
        self._engine = engine
        self._asked = asked
        self._driver: Driver | None = None
        self._context_pool: ContextPool | None = None
        self._suspect = False
        self._last = False

    def pytest_report_header(self, config: pytest.Config) -> str | None:
        """Say which browser the run will have, should it want one."""
        if hasattr(config, "workerinput") or config.option.collectonly:
            return None
        with suppress(BrowserMissing):
            path = find_browser(self._asked, engine=self._engine)
            return f"browser: {describe(self._engine, path)}"
        return None  # whoever wants it is told what is missing

    def start(self) -> ContextPool:
        """What opens windows in the running browser: another one, when something has happened to
        the last. Raises BrowserMissing."""
        from touchstone.browser.context_pool import ContextPool

        if self._driver and (self._suspect or not self._driver.is_whole()):
            self._discard()
        if self._driver is None:
            from playwright.sync_api import expect

            from touchstone.browser.driver import Driver

            expect.set_options(timeout=TIMEOUT)
            self._driver = Driver()
        else:
            self._driver.resume()
        if self._context_pool is None or not self._context_pool.browser.is_connected():
            self._context_pool = ContextPool(self._launch(self._driver), TIMEOUT)
        self._context_pool.ahead = not self._last
        return self._context_pool

    def open(self, options: dict[str, Any], *, first: bool) -> tuple[ContextPool, Page]:
        """A window, and what opened it. `first` says that the test has no other: then a browser
        that does not answer makes room for another one.

        Raises NoAnswer, and Error of Playwright.
        """
        from playwright.sync_api import Error

        from touchstone.browser.driver import NoAnswer

        context_pool = self.start() if first else self._context_pool
        assert context_pool
        assert self._driver
        try:
            with self._driver.within(_PATIENCE):
                return context_pool, context_pool.open(options)
        except (Error, NoAnswer):
            if self._answers():
                raise
            self._suspect = True
            if not first:
                raise
        context_pool = self.start()
        return context_pool, context_pool.open(options)

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Around what is done when a test is over: a browser that does not answer any more keeps
        nobody waiting, and makes room for another one."""
        from touchstone.browser.driver import NoAnswer

        assert self._driver
        try:
            # Playwright leaves coroutines behind where it is asked after its driver's end.
            self._driver.must_be_whole()
            with self._driver.within(_PATIENCE):
                yield
        except NoAnswer:
            self._suspect = True
            raise

    def _answers(self) -> bool:
        assert self._driver
        assert self._context_pool
        with suppress(Exception), self._driver.within(_PATIENCE):
            self._context_pool.browser.new_context().close()
            return True
        return False

    def _discard(self) -> None:
        if self._driver:
            self._driver.end(kill=True)
        self._driver = self._context_pool = None
        self._suspect = False

    def _launch(self, driver: Driver) -> Browser:
        from playwright.sync_api import Error

        path = find_browser(self._asked, engine=self._engine)
        arguments = list(_ARGUMENTS) if self._engine == "chromium" else []
        try:
            engine = getattr(driver.playwright, self._engine)
            browser: Browser = engine.launch(executable_path=path, args=arguments)
        except Error as error:
            raise BrowserMissing(_why(self._engine, path, error.message)) from None
        return driver.launched(browser)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        # Playwright's synchronous API leaves its event loop marked as running in this thread, and
        # then asyncio.run() refuses to work. Marked is it only for tests that use the browser.
        self._last = nextitem is None
        try:
            return (yield)
        finally:
            if self._driver:
                asyncio._set_running_loop(None)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self._driver is None:
            return
        whole = self._driver.is_whole() and not self._suspect
        if whole and self._context_pool:
            self._driver.resume()
            with suppress(Exception), self._driver.within(_PATIENCE):
                self._context_pool.browser.close()
        self._driver.end(kill=not whole)
        self._driver = self._context_pool = None


@pytest.fixture
def context_pool(pytestconfig: pytest.Config) -> ContextPool:
    """What opens windows in the running browser; for a page, use `browse`."""
    try:
        return _plugin(pytestconfig).start()
    except BrowserMissing as missing:
        pytest.fail(str(missing), pytrace=False)


def _plugin(config: pytest.Config) -> BrowserPlugin:
    plugin = config.pluginmanager.get_plugin(_PLUGIN)
    assert isinstance(plugin, BrowserPlugin)
    return plugin


@pytest.fixture
def browser(context_pool: ContextPool) -> Browser:
    """The browser of this worker process, shared by all its tests; for a page, use `browse`."""
    return context_pool.browser


@pytest.fixture
def browse(context_pool: ContextPool, request: pytest.FixtureRequest) -> Iterator[Browse]:
    """Opens a browser for a named person; asked again for the same person, gives the same page."""
    from playwright.sync_api import Error

    pages: dict[str, tuple[str | None, Page]] = {}
    plugin, recording = _plugin(request.config), recording_of(request.node)
    recording.patience = plugin.patience

    def open_for(
        name: str, base_url: str | None = None, *, locale: str = "en-GB", **options: Any
    ) -> Page:
        if name in pages:
            known_url, page = pages[name]
            if known_url != base_url:
                raise ValueError(f"{name} already browses {known_url}, not {base_url}")
            return page
        wanted = {"base_url": base_url, "locale": locale, **recording.options(), **options}
        try:
            context_pool, page = plugin.open(wanted, first=not pages)
        except Error as error:
            if "ffmpeg" not in error.message:
                raise
            pytest.fail(_NO_FFMPEG, pytrace=False)
        recording.in_background = context_pool.in_background
        recording.hand_over = context_pool.hand_over
        recording.leave_context = context_pool.leave
        recording.close_context = context_pool.close
        recording.add(name, page.context)
        pages[name] = base_url, page
        return page

    yield open_for
    recording.close_pages()


@pytest.fixture
def at_once(pytestconfig: pytest.Config) -> AtOnce:
    """Has several people act at the same moment, and gives what each act led to, in their order.

    Acts `in_windows` use pages that are open; acts `elsewhere` use none, and run in threads. When
    all have ended, the first exception is raised.
    """
    from touchstone.browser.at_once import act_at_once

    plugin = _plugin(pytestconfig)

    def at_once(
        in_windows: Sequence[Callable[[], Any]] = (), elsewhere: Sequence[Callable[[], Any]] = ()
    ) -> list[Any]:
        return act_at_once(plugin.start() if in_windows else None, in_windows, elsewhere)

    return at_once


def describe(engine: str, path: str | None) -> str:
    """Its name, version and place."""
    if path is None:
        import playwright

        package = Path(playwright.__file__).parent / "driver" / "package"
        known = json.loads((package / "browsers.json").read_text())["browsers"]
        version = next(one["browserVersion"] for one in known if one["name"] == engine)
        return f"{engine} {version} as downloaded by Playwright"
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)
        if version := asked.stdout.strip():
            return f"{version} ({path})"
    return path


def _why(engine: str, path: str | None, message: str) -> str:
    if path:
        only = "" if engine == "chromium" else f" Playwright drives its own build of {engine} only."
        return f"{path} does not start as a browser.{only}\n{message}"
    if "Executable doesn't exist" not in message:
        return f"Playwright's own browser does not start:\n{message}"
    if engine != "chromium":
        return (
            f"No {engine} was found: Playwright drives its own build of it only, and none is "
            "downloaded. This helps:\n"
            f"  python -m playwright install --with-deps {engine}"
        )
    return (
        "No browser was found: neither chromium-headless-shell, chromium nor google-chrome is "
        "installed, and Playwright has downloaded none. One of these helps:\n"
        "  apt-get install chromium-headless-shell      (Debian)\n"
        "  python -m playwright install --with-deps --only-shell chromium\n"
        f"  --browser-path PROGRAM or ${ENVIRONMENT}, for a Chromium in another place"
    )
