"""No window of one test knows anything of the windows of another, though the browser is the same
and the window may have been opened while the other test went on."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

PAGE = "<!doctype html><title>Shop</title><h1>Shop</h1>"
WORKER = "self.addEventListener('fetch', () => {})"

# Twice on one origin: each time it looks first, then plants.
TESTS = """
    import pytest

    TRACES = '''async () => {
        const names = (await indexedDB.databases()).map(database => database.name);
        return {
            cookie: document.cookie,
            local: {...localStorage},
            session: {...sessionStorage},
            databases: names,
            caches: await caches.keys(),
            files: await Array.fromAsync((await navigator.storage.getDirectory()).keys()),
            workers: (await navigator.serviceWorker.getRegistrations()).length,
            permission: (await navigator.permissions.query({name: 'geolocation'})).state,
            binding: typeof window.planted,
            script: typeof window.scripted,
            name: window.name,
            history: history.length,
            routed: await (await fetch('/routed')).text(),
            header: await (await fetch('/header')).text(),
            media: matchMedia('(prefers-color-scheme: dark)').matches,
            width: innerWidth,
        };
    }'''

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
        await navigator.serviceWorker.register('/worker.js');
        await navigator.serviceWorker.ready;
        history.pushState({}, '', '/');
    }'''

    CLEAN = {
        "cookie": "", "local": {}, "session": {}, "databases": [], "caches": [], "files": [],
        "workers": 0, "permission": "prompt", "binding": "undefined", "script": "undefined",
        "name": "", "history": 2, "routed": "from the server", "header": "none", "media": False,
        "width": 1280,
    }

    CACHED = "async () => (await fetch('/cached')).text()"

    @pytest.mark.parametrize("number", [1, 2])
    def test_nothing_is_cached(browse, number):
        page = browse("Anna", "URL")
        page.goto("/")
        # The server counts how often it is asked for what may be cached for ever.
        assert page.evaluate(CACHED) == f"asked {number} times"
        page.goto("/")
        assert page.evaluate(CACHED) == f"asked {number} times"

    # Apart from the cache, which Playwright switches off where there is a route.
    @pytest.mark.parametrize("number", [1, 2])
    def test_nothing_survives(browse, number):
        page = browse("Anna", "URL")
        page.goto("/")
        assert page.evaluate(TRACES) == CLEAN

        page.evaluate(PLANT)
        page.context.grant_permissions(["geolocation"])
        page.context.expose_function("planted", lambda: None)
        page.context.add_init_script("window.scripted = true")
        page.context.route("**/routed", lambda route: route.fulfill(body="planted"))
        page.context.set_extra_http_headers({"X-Planted": "yes"})
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 400, "height": 300})
        page.goto("/")

        # All of it was there, or finding nothing would prove nothing.
        planted = page.evaluate(TRACES)
        assert [what for what in CLEAN if planted[what] == CLEAN[what]] == []
"""


@pytest.fixture
def url() -> Iterator[str]:
    asked: Counter[str] = Counter()

    class Shop(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked[self.path] += 1
            kind, cache, text = "text/html", "no-store", PAGE
            if self.path == "/worker.js":
                kind, text = "text/javascript", WORKER
            elif self.path == "/cached":
                cache, text = "max-age=3600, immutable", f"asked {asked[self.path]} times"
            elif self.path == "/routed":
                text = "from the server"
            elif self.path == "/header":
                text = self.headers.get("X-Planted", "none")
            content = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", cache)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ("scenarios", "artefacts", "browser")
    return pytester.run(
        *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-W", "error"),
        *(part for name in plugins for part in ("-p", f"touchstone.{name}")),
        f"--rootdir={pytester.path}",
        *arguments,
    )


def test_nothing_of_a_test_survives_it(pytester: pytest.Pytester, url: str) -> None:
    pytester.makepyfile(TESTS.replace("URL", url))

    run(pytester).assert_outcomes(passed=4)


def test_the_next_window_is_made_ahead(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from touchstone.waiting import eventually

        def test_one(browse, windows):
            anna = browse("Anna")
            eventually(lambda: anna.title() or windows.ready, describe="a second window")
            known = windows.browser.contexts
            assert len(known) == 2
            assert browse("Boris").context is known[1]
            eventually(lambda: anna.title() or windows.ready, describe="a third window")
            vera = browse("Vera", locale="de-DE")
            assert vera.context not in known
            assert vera.evaluate("navigator.language") == "de-DE"
            assert browse("Anna") is anna

        def test_the_last_needs_no_other(browse, windows):
            anna = browse("Anna", locale="fr-FR")
            # Those of the test before are closed while this one goes on.
            eventually(
                lambda: anna.title() or len(windows.browser.contexts),
                until=lambda open: open == 1,
                describe="Anna's window alone",
            )
            assert not windows.ready
        """
    )

    run(pytester).assert_outcomes(passed=2)
