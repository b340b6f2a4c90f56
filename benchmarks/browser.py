"""One browser scenario many times: in Playwright Test (Node), in plain pytest-bdd, and here.

    .venv/bin/python -m benchmarks.browser [--rounds 5] [--scenarios 60] [--workers 2]

Open the page, choose, fill, submit, see the result: the same in all three, in the same Chromium;
and here with each way of recording artefacts (`retried` is `off` until something fails).
Each run is the whole command, with the start of everything. They take turns, after one round that
is not counted. Processor time is that of all processes, the browser's included (Linux only).

Needs Node and npm, and installs two packages into .touchstone/benchmark from the registries that
npm and pip are configured for: `@playwright/test` and `pytest-playwright`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from touchstone.browser.fixtures import find_browser

PACKAGES = Path(".touchstone", "benchmark")
PLAIN = ("pytest-playwright", "pytest-base-url", "python-slugify", "text-unidecode")

SHOP = Path(__file__).with_name("ring_shop.py")

NODE_CONFIG = """
module.exports = {{
  testDir: '.', fullyParallel: true, workers: {workers}, reporter: 'line',
  use: {{ baseURL: '{url}', launchOptions: {{ executablePath: '{browser}' }} }},
}};
"""

NODE = """
const {{ test, expect }} = require('@playwright/test');

for (let number = 1; number <= {scenarios}; number++)
  test(`A ring to order, number ${{number}}`, async ({{ page }}) => {{
    await page.goto('/');
    await page.getByLabel('Metal').selectOption('gold 585');
    await page.getByLabel('Name').fill('Anna');
    await page.getByLabel('Engraving').fill('for ever');
    await page.getByRole('button', {{ name: 'Order' }}).click();
    await expect(page.getByRole('status')).toHaveText('Anna, gold 585, “for ever”');
  }});
"""

STEPS = """
from playwright.sync_api import expect
from pytest_bdd import then, when
import pytest


{fixtures}


@when("Anna opens the shop")
def opens(anna):
    anna.goto("/")


@when("she chooses gold 585")
def chooses(anna):
    anna.get_by_label("Metal").select_option("gold 585")


@when("she fills in her name and the engraving")
def fills(anna):
    anna.get_by_label("Name").fill("Anna")
    anna.get_by_label("Engraving").fill("for ever")


@when("she orders the ring")
def orders(anna):
    anna.get_by_role("button", name="Order").click()


@then("she sees what she has ordered")
def sees(anna):
    expect(anna.get_by_role("status")).to_have_text("Anna, gold 585, “for ever”")
"""

PLAIN_FIXTURES = """
@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {{"executable_path": "{browser}"}}


@pytest.fixture
def anna(page):
    return page
"""

HERE_FIXTURES = """
@pytest.fixture
def anna(browse):
    return browse("customer Anna", "{url}")
"""

SCENARIO = """
  Scenario: A ring to order, number {number}
    When Anna opens the shop
    And she chooses gold 585
    And she fills in her name and the engraving
    And she orders the ring
    Then she sees what she has ordered
"""


class Spent(NamedTuple):
    """Seconds."""

    wall: float
    processor: float


class Run(NamedTuple):
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenarios", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", help="the runs whose names contain this")
    options = parser.parse_args()
    browser = find_browser()
    if not browser:
        sys.exit("No Chromium on this machine: make test installs one.")
    _print_machine(browser, options.workers)
    _adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="browser-") as folder, _shop() as url:
        runs = {
            **_node(Path(folder, "node"), options.scenarios, options.workers, browser, url),
            **_plain(Path(folder, "plain"), options.scenarios, options.workers, browser, url),
            **_here(Path(folder, "here"), options.scenarios, options.workers, url),
        }
        runs = {name: run for name, run in runs.items() if (options.only or "") in name}
        took: dict[str, list[Spent]] = {name: [] for name in runs}
        for number in range(options.rounds + 1):
            for name, run in runs.items():
                spent = _spent(run)
                if number:
                    took[name].append(spent)
    _table(took, options.scenarios)


def _print_machine(browser: str, workers: int) -> None:
    chromium = subprocess.check_output([browser, "--version"], text=True).strip()
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"{chromium}, {workers} workers, load {load:.1f} on {cores} processors")


def _table(took: Mapping[str, Sequence[Spent]], scenarios: int) -> None:
    print(f"\n{f'{scenarios} scenarios':34} {'median':>8} {'min':>8} {'processor':>10}   against")
    measure = statistics.median(spent.wall for spent in next(iter(took.values())))
    for name, spent in took.items():
        wall = [one.wall for one in spent]
        median = statistics.median(wall)
        processor = statistics.median(one.processor for one in spent)
        print(
            f"{name:34} {median:6.2f} s {min(wall):6.2f} s {processor:8.2f} s   "
            f"{measure / median:5.2f} times as many a minute"
        )


def _node(folder: Path, scenarios: int, workers: int, browser: str, url: str) -> dict[str, Run]:
    modules = _node_modules()
    folder.mkdir()
    (folder / "node_modules").symlink_to(modules)
    (folder / "playwright.config.js").write_text(
        NODE_CONFIG.format(workers=workers, url=url, browser=browser)
    )
    (folder / "ring.spec.js").write_text(NODE.format(scenarios=scenarios))
    return {
        "Playwright Test (Node)": Run(
            ["node", str(modules / "@playwright" / "test" / "cli.js"), "test"], folder, {}
        )
    }


def _plain(folder: Path, scenarios: int, workers: int, browser: str, url: str) -> dict[str, Run]:
    packages = PACKAGES.absolute() / "python"
    if not packages.is_dir():
        _install(
            [sys.executable, "-m", "pip", "install", "--no-deps", "--target", packages, *PLAIN],
        )
    _features(folder, scenarios, PLAIN_FIXTURES.format(browser=browser))
    (folder / "test_all.py").write_text("from pytest_bdd import scenarios\n\nscenarios('.')\n")
    command = _pytest("pytest_playwright.pytest_playwright", "pytest_base_url.plugin")
    return {
        "pytest-bdd and pytest-playwright": Run(
            [*command, "-n", str(workers), "--base-url", url],
            folder,
            {"PYTHONPATH": os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")])},
        )
    }


def _here(folder: Path, scenarios: int, workers: int, url: str) -> dict[str, Run]:
    _features(folder, scenarios, HERE_FIXTURES.format(url=url))
    command = [*_pytest("touchstone.plugin"), "-n", str(workers)]
    return {
        f"touchstone, artefacts {mode}": Run([*command, "--artefacts", mode], folder, {})
        for mode in ("failed", "off", "on")
    }


def _features(folder: Path, scenarios: int, fixtures: str) -> None:
    folder.mkdir()
    (folder / "conftest.py").write_text(STEPS.format(fixtures=fixtures.strip()))
    text = "".join(SCENARIO.format(number=number) for number in range(1, scenarios + 1))
    (folder / "rings.feature").write_text(f"Feature: Rings\n{text}")


def _pytest(*plugins: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload"]
    for plugin in ("xdist", "pytest_bdd.plugin", *plugins):
        command += ["-p", plugin]
    return command


def _node_modules() -> Path:
    """Playwright Test, in the version of the driver that the Python package brings."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing: apt-get install nodejs npm")
    import playwright

    driver = Path(playwright.__file__).parent / "driver" / "package" / "package.json"
    wanted = json.loads(driver.read_text())["version"]
    folder = PACKAGES.absolute() / f"node-{wanted}"
    if not folder.is_dir():
        _install(["npm", "install", "--prefix", folder, f"@playwright/test@{wanted}"])
    print(f"Playwright {wanted} for Node, {version('playwright')} for Python, same driver")
    return folder / "node_modules"


def _install(command: Sequence[str | Path]) -> None:
    print(f"installing: {' '.join(map(str, command))}")
    environment = os.environ | {"PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}")


@contextlib.contextmanager
def _shop() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(SHOP)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


def _adopt_orphans() -> None:
    """A browser leaves the process that its pages were forked from to whoever adopts it; only who
    does can count what the pages have spent."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _spent(run: Run) -> Spent:
    environment = os.environ | run.environment
    before = _processor()
    began = time.perf_counter()
    process = subprocess.Popen(
        run.command, cwd=run.folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    output, _ = process.communicate()
    wall = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"{output}\n{' '.join(run.command)} failed in {run.folder}")
    return Spent(wall, _processor() - before)


def _processor() -> float:
    """What all processes that have ended have spent; the shop, which goes on, is not among them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
