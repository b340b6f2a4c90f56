"""No window of one test knows anything of the windows of another, though the browser is the same
and the window may have been opened, or used, while another test went on."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PAGE = """<!doctype html><title>Shop</title><h1>Shop</h1>
<script src="/cached.js"></script><iframe src="http://localhost:{port}/frame"></iframe>"""
TEXTS = {
    "/frame": "<!doctype html><title>Frame</title>",
    "/routed": "from the server",
    "/worker.js": "self.addEventListener('fetch', () => {})",
}

# Each looks first, then plants: more than twice, since the second may have a window made ahead.
HEAD = """
    import pytest

    contexts = []

    @pytest.fixture
    def page(browse):
        page = browse("Anna")
        contexts.append(page.context)
        return page

    @pytest.fixture(scope="module", autouse=True)
    def used_again():
        yield
        assert (len(set(contexts)) < len(contexts)) is USED_AGAIN

    pytestmark = pytest.mark.parametrize("number", range(1, 6))
"""

# On one origin, and in a frame of another. The latter has no cookies that are not secure.
OF_PAGES = """
    LOOK = '''async () => ({
        cookie: document.cookie,
        local: {...localStorage},
        session: {...sessionStorage},
        databases: (await indexedDB.databases()).map(database => database.name),
        caches: await caches.keys(),
        files: await Array.fromAsync((await navigator.storage.getDirectory()).keys()),
        name: window.name,
        history: history.length,
    })'''

    PLANT = '''async () => {
        document.cookie = 'planted=yes; max-age=3600';
        localStorage.planted = sessionStorage.planted = 'yes';
        window.name = 'planted';
        await new Promise((done, failed) => {
            const request = indexedDB.open('planted');
            request.onsuccess = done;
            request.onerror = failed;
        });
        await (await caches.open('planted')).put('/planted', new Response('yes'));
        await (await navigator.storage.getDirectory()).getFileHandle('planted', {create: true});
        history.pushState({}, '', location.href);
    }'''

    CLEAN = {
        "cookie": "", "local": {}, "session": {}, "databases": [], "caches": [], "files": [],
        "name": "", "history": 2,
    }

    def test_nothing_of_a_page_survives(page, number):
        page.goto("URL/")
        for frame in page.frames:
            assert frame.evaluate(LOOK) == CLEAN
        for frame in reversed(page.frames):
            frame.evaluate(PLANT)

        # All of it was there, or finding nothing would prove nothing.
        page.goto("URL/")
        for frame, untouched in zip(page.frames, (set(), {"cookie", "name"}), strict=True):
            look = frame.evaluate(LOOK)
            assert {what for what in CLEAN if look[what] == CLEAN[what]} == untouched
"""

CACHED = """
    def test_nothing_is_cached(page, number):
        for _ in range(2):
            page.goto("URL/")
            # The server counts how often it is asked for what may be cached for ever.
            assert page.evaluate("asked") == number
            text = page.evaluate("async () => (await fetch('/cached')).text()")
            assert text == f"asked = {number}"
"""

# What Playwright did, and what cannot be cleaned.
TO_CONTEXTS = """
    STATE = '''async () => ({
        workers: (await navigator.serviceWorker.getRegistrations()).length,
        permission: (await navigator.permissions.query({name: 'geolocation'})).state,
        binding: typeof window.planted,
        script: typeof window.scripted,
        routed: await (await fetch('/routed')).text(),
        header: await (await fetch('/header/x-planted')).text(),
        media: matchMedia('(prefers-color-scheme: dark)').matches,
        width: innerWidth,
        now: Date.now() > 1e12,
    })'''

    UNTOUCHED = {
        "workers": 0, "permission": "prompt", "binding": "undefined", "script": "undefined",
        "routed": "from the server", "header": "none", "media": False, "width": 1280, "now": True,
    }

    def test_nothing_survives(page, number):
        page.goto("URL/")
        assert page.evaluate(STATE) == UNTOUCHED

        page.evaluate('''async () => {
            await navigator.serviceWorker.register('/worker.js');
            await navigator.serviceWorker.ready;
        }''')
        page.context.grant_permissions(["geolocation"])
        page.context.expose_function("planted", lambda: None)
        page.context.add_init_script("window.scripted = true")
        page.context.route("**/routed", lambda route: route.fulfill(body="planted"))
        page.context.set_extra_http_headers({"X-Planted": "yes"})
        page.clock.set_fixed_time(0)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 400, "height": 300})
        page.goto("URL/")
        state = page.evaluate(STATE)
        assert [what for what in UNTOUCHED if state[what] == UNTOUCHED[what]] == []
"""

WORKERS = """
    def test_no_service_worker_survives(page, number):
        page.goto("URL/")
        workers = "async () => (await navigator.serviceWorker.getRegistrations()).length"
        assert page.evaluate(workers) == 0
        page.evaluate("async () => { await navigator.serviceWorker.register('/worker.js') }")
        assert page.evaluate(workers) == 1
"""

CLOCKS = """
    def test_no_clock_survives(page, number):
        page.goto("URL/")
        assert page.evaluate("Date.now() > 1e12")
        page.clock.set_fixed_time(0)
        assert page.evaluate("Date.now()") == 0
"""

PASSWORDS = """
    def test_no_password_survives(page, number):
        page.goto("URL/")
        sent = "async () => (await fetch('/header/authorization')).text()"
        assert page.evaluate(sent) == "none"
        page.goto("URL/locked".replace("://", "://anna:secret@"))
        page.goto("URL/")
        assert page.evaluate(sent) != "none"
"""

HINTS = """
    def test_no_hint_survives(page, number):
        page.goto("URL/header/device-memory")
        assert page.text_content("body") == "none"
        page.goto("URL/hints")
        page.goto("URL/header/device-memory")
        assert page.text_content("body") != "none"
"""

LATE = """
    def test_no_late_cookie_arrives(page, number):
        assert page.context.cookies() == []
        page.goto("URL/")
        page.evaluate("() => { fetch('/late', {method: 'POST', keepalive: true}) }")
"""

LAST_WORDS = """
    def test_no_last_words_are_answered(page, number):
        assert page.context.cookies() == []
        page.goto("URL/")
        page.evaluate("() => addEventListener('pagehide', () => navigator.sendBeacon('/late'))")
"""

POPUPS = """
    def test_no_popup_survives(page, number):
        assert page.context.pages == [page]
        page.goto("URL/")
        with page.expect_popup():
            page.evaluate("() => { open('/', 'shop') }")
"""

HANGING = """
    def test_a_page_that_hangs_keeps_nobody_waiting(page, number):
        page.goto("URL/")
        page.evaluate("() => { setTimeout(() => { while (true); }) }")
"""

TRACES = """
    def test_no_trace_goes_on(page, number):
        page.context.tracing.start()
        page.goto("URL/")
"""


@pytest.fixture
def url() -> Iterator[str]:
    asked: Counter[str] = Counter()
    visited = threading.Event()

    class Shop(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked[self.path] += 1
            if self.path == "/":
                visited.set()
            text = TEXTS.get(self.path, PAGE.format(port=server.server_port))
            status, headers = 200, {"Cache-Control": "no-store", "Content-Type": "text/html"}
            if self.path.endswith(".js"):
                headers["Content-Type"] = "text/javascript"
            if self.path.startswith("/cached"):
                headers["Cache-Control"] = "max-age=3600, immutable"
                text = f"asked = {asked[self.path]}"
            elif self.path.startswith("/header/"):
                text = self.headers.get(self.path.rpartition("/")[2], "none")
            elif self.path == "/hints":
                headers["Accept-CH"] = "Device-Memory"
            elif self.path == "/locked" and "Authorization" not in self.headers:
                status, headers["WWW-Authenticate"] = 401, 'Basic realm="shop"'
            self.answer(status, headers, text)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            visited.clear()
            visited.wait(30)  # until the page is gone, and the next test has begun
            self.answer(200, {"Set-Cookie": "late=yes; max-age=3600"}, "")

        def answer(self, status: int, headers: dict[str, str], text: str) -> None:
            content = text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError):  # a page that is gone wants no answer
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    visited.set()
    server.shutdown()
    thread.join()
    server.server_close()


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ("gherkin.scenario_record", "report.evidence", "report.artefacts", "browser.fixtures")
    return pytester.run(
        *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-W", "error"),
        *(part for name in plugins for part in ("-p", f"touchstone.{name}")),
        f"--rootdir={pytester.path}",
        *arguments,
    )


@pytest.mark.parametrize("artefacts", ["failed", "on"])
@pytest.mark.parametrize("tests", [OF_PAGES, CACHED], ids=["storage", "cache"])
def test_nothing_survives_in_a_window_that_is_used_again(
    pytester: pytest.Pytester, url: str, tests: str, artefacts: str
) -> None:
    pytester.makepyfile((HEAD + tests).replace("URL", url).replace("USED_AGAIN", "True"))

    run(pytester, f"--artefacts={artefacts}").assert_outcomes(passed=5)


@pytest.mark.parametrize(
    "tests",
    [TO_CONTEXTS, WORKERS, CLOCKS, PASSWORDS, HINTS, LATE, POPUPS, HANGING],
    ids=["contexts", "workers", "clocks", "passwords", "hints", "late", "popups", "hanging"],
)
def test_a_window_that_cannot_be_cleaned_is_not_used_again(
    pytester: pytest.Pytester, url: str, tests: str
) -> None:
    pytester.makepyfile((HEAD + tests).replace("URL", url).replace("USED_AGAIN", "False"))

    run(pytester, "--artefacts=off").assert_outcomes(passed=5)


@pytest.mark.parametrize("tests", [LAST_WORDS, TRACES], ids=["last-words", "traces"])
def test_what_would_go_on_is_stopped(pytester: pytest.Pytester, url: str, tests: str) -> None:
    pytester.makepyfile((HEAD + tests).replace("URL", url).replace("USED_AGAIN", "True"))

    run(pytester, "--artefacts=off").assert_outcomes(passed=5)


def test_the_next_window_is_made_ahead(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from touchstone.waiting import eventually

        def test_one(browse, context_pool):
            anna = browse("Anna")
            eventually(lambda: anna.title() or context_pool.ready, describe="a second window")
            known = context_pool.browser.contexts
            assert len(known) == 2
            assert browse("Boris").context is known[1]
            eventually(lambda: anna.title() or context_pool.ready, describe="a third window")
            vera = browse("Vera", locale="de-DE")
            assert vera.context not in known
            assert vera.evaluate("navigator.language") == "de-DE"
            assert browse("Anna") is anna

        def test_the_last_needs_no_other(browse, context_pool):
            anna = browse("Anna", locale="fr-FR")
            # Those of the test before are closed while this one goes on.
            eventually(
                lambda: anna.title() or len(context_pool.browser.contexts),
                until=lambda open: open == 1,
                describe="Anna's window alone",
            )
            assert not context_pool.ready
        """
    )

    run(pytester).assert_outcomes(passed=2)


def test_what_is_handed_over_begins_at_once_and_is_not_waited_for(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        from touchstone.waiting import eventually

        def test_one(browse, context_pool):
            anna = browse("Anna")
            told = []

            def work():
                told.append("begun")
                told.append(anna.evaluate("'done'"))

            context_pool.in_background(work)
            assert told == []
            context_pool.hand_over()
            assert told == ["begun"]
            eventually(lambda: anna.title() or told == ["begun", "done"], describe="the end")
        """
    )

    run(pytester).assert_outcomes(passed=1)
