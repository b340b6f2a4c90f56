"""`--progress`: how a run is going, for somebody who watches it.

      ✓ Shop order › A customer's order is confirmed  12.3 s
      ✗ Shop order › The price comes too late  4.1 s
            Then the price is € 120.00 – features/journey/shop_order.feature:14
            the price: not so within 10.0 s, after 54 looks
      ▸ 2 of 12 · 1 failed · 0:23 · now: A partner's order through the API

One line for each test that is over, and below them, on a terminal only, one line that lives.
It takes the place of pytest's dots; headings and summaries stay pytest's.
"""

from __future__ import annotations

import pytest

from touchstone.report.results import PLUGIN as RESULTS
from touchstone.report.results import Results

_PLUGIN = "touchstone-progress"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("touchstone").addoption(
        "--progress",
        action="store_true",
        help="a line for each test that is over, and a live one for what is going on",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if not config.option.progress or hasattr(config, "workerinput") or config.option.collectonly:
        return
    # Not by every worker of every run: Rich takes a while to import.
    from touchstone.report.progress_line import Progress, Screen, own_stdout

    results = config.pluginmanager.get_plugin(RESULTS)
    assert isinstance(results, Results)
    # Quiet: pytest's own heading and its "collected 12 items" say what the line says too.
    config.option.verbose = min(config.getoption("verbose", 0), -1)
    config.pluginmanager.register(Progress(results, Screen(own_stdout())), _PLUGIN)


def status(config: pytest.Config, text: str) -> None:
    """Say what the run is busy with before its first test; nothing without `--progress`."""
    if progress := config.pluginmanager.get_plugin(_PLUGIN):
        progress.status(text)
