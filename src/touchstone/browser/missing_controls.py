"""A control that a page does not have: which there are, in the words of who reads the page.

Playwright waits for a button and says after half a minute that a locator timed out. What a person
wants to know is what the page showed instead.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Final

import pytest

from touchstone.gherkin.said import quoted, say
from touchstone.gherkin.scenario_record import scenario_of

_SELECTOR: Final = re.compile(
    r"internal:role=(?P<role>\w+)(?:\[name=(?P<name>\"(?:[^\"\\]|\\.)*\"))?"
    r"|internal:label=(?P<label>\"(?:[^\"\\]|\\.)*\")"
)
_LINE: Final = re.compile(r"^\s*- (?P<role>\w+)(?: (?P<name>\"(?:[^\"\\]|\\.)*\"))?", re.MULTILINE)
_ROLES: Final = ("button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "tab")
_MOST: Final = 12  # of each kind


class ControlNotFound(AssertionError):
    """The page has no such control, or nobody can use it. The text says which there are."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if call.excinfo and type(call.excinfo.value).__name__ == "TimeoutError":
        # What goes wrong while a page is looked at hides nothing: then the failure stays as it is.
        with suppress(Exception):
            _explain(item, call)
    return (yield)


def _explain(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    from playwright.sync_api import Locator, TimeoutError

    assert call.excinfo
    error, trace = call.excinfo.value, call.excinfo.tb
    if not isinstance(error, TimeoutError):
        return
    locator = None
    step: Any = trace
    while step is not None:
        candidate = step.tb_frame.f_locals.get("self")
        locator = candidate if isinstance(candidate, Locator) else locator
        step = step.tb_next
    if locator is None:
        return
    record = scenario_of(item)
    text = described(locator, record.language if record else "en")
    if text:
        told = ControlNotFound(text)
        call.excinfo = pytest.ExceptionInfo.from_exc_info((ControlNotFound, told, trace))


def described(locator: Any, language: str) -> str:
    """What the page has instead of the control; empty where nothing can be said."""
    page = locator.page
    where = quoted(language, page.title() or page.url)
    wanted = _wanted(str(locator), language)
    if locator.count() == 0:
        sentences = [say(language, "no control", wanted=wanted, page=where)]
        return "\n".join([*sentences, *there_is(page.locator("body").aria_snapshot(), language)])
    control = locator.first
    if control.evaluate("node => node.tagName") == "SELECT" and control.is_enabled():
        options = [
            quoted(language, " ".join(o.split()))
            for o in control.locator("option").all_text_contents()
        ]
        return say(language, "no option", wanted=wanted, options=", ".join(options))
    for state, is_so in (("hidden", control.is_hidden()), ("disabled", control.is_disabled())):
        if is_so:
            return say(language, "unusable", wanted=wanted, page=where, why=say(language, state))
    return say(language, "unusable", wanted=wanted, page=where, why=say(language, "covered"))


def there_is(snapshot: str, language: str) -> list[str]:
    """A line for each kind of control in an accessibility snapshot (in Playwright's YAML)."""
    found: dict[str, list[str]] = {}
    for match in _LINE.finditer(snapshot):
        if match["role"] in _ROLES and match["name"]:
            names = found.setdefault(match["role"], [])
            name = quoted(language, _unquoted(match["name"]))
            if name not in names:
                names.append(name)
    lines = []
    for role in _ROLES:
        if names := found.get(role, []):
            more = " …" if len(names) > _MOST else ""
            lines.append(f"{say(language, f'{role}s')}: {', '.join(names[:_MOST])}{more}")
    return lines or [say(language, "no controls")]


def _wanted(selector: str, language: str) -> str:
    parts = list(_SELECTOR.finditer(selector))
    if not parts:
        return selector
    last = parts[-1]
    name = last["name"] or last["label"]
    role = last["role"] or "field"
    kind = say(language, role) if role in (*_ROLES, "field") else role
    return f"{kind} {quoted(language, _unquoted(name))}" if name else kind


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
