"""The MES's whole list against the list as it first was, at several numbers of orders in one run.

    .venv/bin/python -m benchmarks.mes_list [--orders 10000 100000 1000000] [--times 30] [--plans]

For each number a company is seeded (one order in twenty is active work) and the same things are
measured of both: the answer to the page and to the data, and what a browser makes of it. The naive
list (`benchmarks.naive_list`) is asked less often, since it takes so long; `--naive-times` says how
often, 0 for not at all. p95 of few values is the largest. Then, what the one and the other spend
their time on (`benchmarks.mes_anatomy`).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
from playwright.sync_api import Browser, Page, sync_playwright

from atelier import security
from atelier.mes.listing import changes
from atelier.seeding.seed import Company, seed
from benchmarks.mes_anatomy import anatomy
from benchmarks.naive_list import as_it_was
from fixtures.settings import settings_of
from touchstone.backing.programs import free_ports
from touchstone.browser.fixtures import find_browser
from touchstone.keeper.client import KeeperClient, KeeperProcess
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

_ACTIVE_SHARE = 20
_PATIENCE = 600.0  # seconds; for the naive list of 50,000 pieces
_NAIVE_QUERY = (
    "SELECT * FROM work_order WHERE state NOT IN ('CLOSED', 'CANCELLED', 'PRICING_FAILED') "
    "ORDER BY created_at DESC"
)

_NAIVE_STEPS = (
    "SELECT * FROM work_order_history "
    "WHERE order_id = (SELECT order_id FROM work_order LIMIT 1) ORDER BY sequence"
)


@dataclass
class Measured:
    """Milliseconds, and the bytes of one answer."""

    name: str
    took: list[float] = field(default_factory=list)
    size: int = 0

    def quantile(self, share: float) -> float:
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--naive-times", type=int, default=3)
    parser.add_argument("--plans", action="store_true", help="print PostgreSQL's plans, too")
    options = parser.parse_args()
    keeper = KeeperProcess(Path.cwd(), "native")
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        for orders in options.orders:
            sandbox = client.sandbox(["mes"]).sandbox
            seeded = _seed(sandbox, orders)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
                )
                print(
                    f"\n{orders:,} orders, {orders // _ACTIVE_SHARE:,} of them active, seeded in "
                    f"{seeded:.0f} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
                )
                _one_size(sandbox, browser, orders // _ACTIVE_SHARE, options)
                browser.close()
            database = sandbox.databases["mes"].primary
            if options.naive_times:
                anatomy(database, sandbox.cache, options.naive_times)
            if options.plans:
                _plans(database)
            client.release(sandbox)
        client.close()
    finally:
        keeper.close()


def _seed(sandbox: Sandbox, orders: int) -> float:
    """Seconds."""
    began = time.monotonic()
    company = Company(orders, orders // _ACTIVE_SHARE, 1, "-", datetime.now(UTC))
    seed(settings_of(sandbox), company)
    return time.monotonic() - began


def _one_size(sandbox: Sandbox, browser: Browser, active: int, options: argparse.Namespace) -> None:
    database = sandbox.databases["mes"].primary
    cookies = {"atelier_mes": _session(sandbox)}
    ours = sandbox.services["mes"]
    with httpx.Client(base_url=ours, cookies=cookies, timeout=_PATIENCE) as http:
        eventually(
            lambda: _listed(http), until=lambda count: count == active, timeout=60, describe="built"
        )
        print(f"{'':40} {'p50 ms':>9} {'p95 ms':>9} {'bytes':>11}   of")
        page = _row(_asked("the page", http, "/work", options.times))
        _row(_asked("the whole list, packed", http, "/api/list", options.times))
        etag = http.get("/api/list").headers["ETag"]
        _row(_asked("  again, nothing new", http, "/api/list", options.times, etag))
        paint, whole = _opened(browser, ours, cookies, options.times, '[data-pulse="live"]')
        _row(paint)
        _row(whole)
        _row(_told(browser, ours, cookies, database, min(options.times, 10)))
    if not options.naive_times:
        return
    with as_it_was(database), _naive(database) as address:
        with httpx.Client(base_url=address, timeout=_PATIENCE) as http:
            naive = _row(_asked("naive: the page", http, "/work", options.naive_times))
            _row(_asked("naive: the whole list as JSON", http, "/api/work", options.naive_times))
        paint, _ = _opened(browser, address, {}, options.naive_times, "tbody", "naive: ")
        _row(paint)
    ratio = naive.quantile(0.5) / page.quantile(0.5)
    print(f"the naive page takes {ratio:,.0f} times as long (p50)")


def _session(sandbox: Sandbox) -> str:
    with psycopg.connect(sandbox.databases["mes"].primary) as connection:
        found = connection.execute("SELECT id FROM operator LIMIT 1").fetchone()
    assert found, "the seeded company has no operator"
    [operator] = found
    return security.sign_session("mes", operator, sandbox.environment["ATELIER_SECRET_KEY"])


def _listed(http: httpx.Client) -> int:
    """How many pieces the page shows, once it comes from the read model."""
    text = http.get("/work").text
    if ">The fast copy of this list is not there" in text:
        return -1
    return int(text.partition('aria-rowcount="')[2].partition('"')[0]) - 1


def _asked(
    name: str, http: httpx.Client, path: str, times: int, etag: str | None = None
) -> Measured:
    found = Measured(name)
    headers = {"If-None-Match": etag} if etag else {}
    for _ in range(times):
        began = time.perf_counter()
        with http.stream("GET", path, headers=headers) as answer:
            found.size = sum(len(part) for part in answer.iter_raw())
        found.took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (200, 304), answer.status_code
    return found


def _opened(
    browser: Browser, address: str, cookies: dict[str, str], times: int, done: str, who: str = ""
) -> tuple[Measured, Measured]:
    """Each time in a window that has never been used, with nothing kept."""
    paint = Measured(f"{who}browser: first paint")
    whole = Measured(f"{who}browser: whole list there and live")
    for _ in range(times):
        with _window(browser, address, cookies) as page:
            page.goto(f"{address}/work", wait_until="commit", timeout=_PATIENCE * 1000)
            page.wait_for_selector(done, timeout=_PATIENCE * 1000)
            whole.took.append(page.evaluate("performance.now()"))
            [painted] = page.evaluate(
                "performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)"
            )
            paint.took.append(painted)
    return paint, whole


def _told(
    browser: Browser, address: str, cookies: dict[str, str], database: str, times: int
) -> Measured:
    """From the commit of a change until an open page shows it."""
    found = Measured("browser: a change shows on an open page")
    with _window(browser, address, cookies) as page, psycopg.connect(database) as connection:
        page.goto(f"{address}/work")
        page.wait_for_selector('[data-pulse="live"]')
        for number in range(times):
            connection.execute(
                "INSERT INTO work_order (order_id, number, state, sequence, order_sequence, metal,"
                " finish, model_checksum, model_name, source, created_at, updated_at) VALUES "
                "(gen_random_uuid(), %s, 'SUBMITTED', 1, 1, 'gold-585', 'polished', '-', '-',"
                " 'shop', now(), now())",
                [f"AT-B{number}"],
            )
            connection.commit()
            began = time.perf_counter()
            page.wait_for_selector(f"#work-AT-B{number}")
            found.took.append((time.perf_counter() - began) * 1000)
        # They have no history, which the naive list relies on.
        connection.execute("DELETE FROM work_order WHERE number LIKE 'AT-B%'")
    return found


@contextmanager
def _window(browser: Browser, address: str, cookies: dict[str, str]) -> Iterator[Page]:
    context = browser.new_context()
    context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in cookies.items()]
    )
    page = context.new_page()
    yield page
    context.close()


@contextmanager
def _naive(database: str) -> Iterator[str]:
    [port] = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.naive_list", database, str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(
            lambda: httpx.get(f"{address}/docs").status_code,
            timeout=120,
            ignoring=(httpx.TransportError,),
        )
        yield address
    finally:
        process.kill()
        process.wait()


def _row(found: Measured) -> Measured:
    size = f"{found.size:,}" if found.size else ""
    print(
        f"{found.name:40} {found.quantile(0.5):9,.1f} {found.quantile(0.95):9,.1f} {size:>11}"
        f"   {len(found.took)}",
        flush=True,
    )
    return found


def _plans(database: str) -> None:
    with as_it_was(database):
        _plan(database, "the naive query", _NAIVE_QUERY)
        _plan(database, "  and then, for each row", _NAIVE_STEPS)
    _plan(database, "ours, without Redis: the first rows", changes.BEGINNING.replace("%s", "40"))
    here = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    _plan(database, "ours: what has changed", changes.SINCE.replace("%s", here))


def _plan(database: str, name: str, query: str) -> None:
    print(f"\n{name}")
    with psycopg.connect(database) as connection:
        for [line] in connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {query}".encode()):
            print(f"    {line}")


if __name__ == "__main__":
    main()
