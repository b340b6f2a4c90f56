from __future__ import annotations

import re
from pathlib import Path

import playwright
import pytest

from touchstone.browser.fixtures import NO_FEATURES, BrowserMissing, find_browser


def test_the_small_headless_browser_is_preferred() -> None:
    there = {"chromium": "/usr/bin/chromium", "chromium-headless-shell": "/usr/bin/shell"}

    assert find_browser(which=there.get) == "/usr/bin/shell"


def test_one_that_was_asked_for_wins() -> None:
    there = {"chromium": "/usr/bin/chromium", "/opt/chrome": "/opt/chrome"}

    assert find_browser("/opt/chrome", which=there.get) == "/opt/chrome"


def test_one_that_was_asked_for_is_never_replaced_by_another() -> None:
    with pytest.raises(BrowserMissing, match="/opt/chrome: no such program"):
        find_browser("/opt/chrome", which={"chromium": "/usr/bin/chromium"}.get)


def test_where_nothing_is_installed_playwright_is_left_to_its_own() -> None:
    assert find_browser(which=lambda name: None) is None


@pytest.mark.parametrize("engine", ["firefox", "webkit"])
def test_only_playwrights_own_build_of_the_others_is_used(engine: str) -> None:
    assert find_browser(which=lambda program: f"/usr/bin/{program}", engine=engine) is None


def test_what_playwright_switches_off_stays_off() -> None:
    bundle = Path(playwright.__file__).parent / "driver" / "package" / "lib" / "coreBundle.js"
    listed = re.search(r"disabledFeatures = \[(.*?)\]", bundle.read_text("utf-8"), re.DOTALL)
    assert listed
    features = set(re.findall(r'^\s*"(\w+)"', listed[1], re.MULTILINE))

    assert features
    assert set(NO_FEATURES) - features == {"RenderDocument"}
    assert features - set(NO_FEATURES) == set()
