"""Secrets never reach a report: wherever one would stand, it says ••• instead.

Test reports are masked in the process that makes them, so that no plugin gets to see a secret;
what pytest writes to the terminal and what is written to files is masked once more on its way.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Generator, Iterable
from typing import Any, TypeVar
from urllib.parse import quote

import markupsafe
import pytest

INSTEAD = "•••"

_CUT = re.compile(r"(\.\.\.|…)")
_SHORTEST_PIECE = 6  # of a secret of which the rest was cut off

T = TypeVar("T")
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


class Mask:
    """Replaces secrets, also as they are written in JSON, HTML, addresses and headers, and what
    is left of one where a long text was shortened."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._spellings: list[str] = []
        self._in_addresses: list[re.Pattern[str]] = []
        for secret in secrets:
            self.add(secret)

    @property
    def secrets(self) -> frozenset[str]:
        """What is hidden, as it was given."""
        return frozenset(self._secrets)

    def add(self, secret: str) -> None:
        """Hide one more from now on."""
        if secret and secret not in self._secrets:
            self._secrets.add(secret)
            # The longest first: of two that begin alike, the shorter one would leave a rest.
            self._spellings = sorted({*self._spellings, *_spellings(secret)}, key=len, reverse=True)
            if quote(secret, safe="") != secret:
                self._in_addresses.append(_in_address(secret))

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        for spelling in self._spellings:
            text = text.replace(spelling, INSTEAD)
        for in_address in self._in_addresses:
            text = in_address.sub(INSTEAD, text)
        if self._secrets and _CUT.search(text):
            parts = _CUT.split(text)
            for place in range(0, len(parts) - 1, 2):
                parts[place] = self._without_beginning(parts[place])
                parts[place + 2] = self._without_end(parts[place + 2])
            text = "".join(parts)
        return text

    def _without_beginning(self, text: str) -> str:
        for spelling in self._spellings:
            for length in range(len(spelling) - 1, _SHORTEST_PIECE - 1, -1):
                if text.endswith(spelling[:length]):
                    return text[:-length] + INSTEAD
        return text

    def _without_end(self, text: str) -> str:
        for spelling in self._spellings:
            for length in range(len(spelling) - 1, _SHORTEST_PIECE - 1, -1):
                if text.startswith(spelling[-length:]):
                    return INSTEAD + text[length:]
        return text

    def all_of(self, data: T) -> T:
        """The same for every text in lists, tuples and the values of dictionaries."""
        return self._all_of(data)  # type: ignore[no-any-return]

    def _all_of(self, data: Any) -> Any:
        if isinstance(data, str):
            return self(data)
        if isinstance(data, dict):
            return {key: self._all_of(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return type(data)(self._all_of(value) for value in data)
        return data


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        str(markupsafe.escape(secret)),  # as Jinja writes it
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }


def _in_address(secret: str) -> re.Pattern[str]:
    """Which characters are percent-encoded is another matter in each part of an address, and in
    each library."""

    def either(character: str) -> str:
        encoded = "".join(f"%{byte:02X}" for byte in character.encode())
        plus = r"|\+" if character == " " else ""
        return f"(?:{re.escape(character)}|(?i:{encoded}){plus})"

    return re.compile("".join(map(either, secret)))


_MASK = pytest.StashKey[Mask]()


def mask_of(config: pytest.Config) -> Mask:
    """What this run hides; nothing, unless it has a target."""
    return config.stash.setdefault(_MASK, Mask())


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if not mask_of(config).secrets or not config.pluginmanager.has_plugin("terminalreporter"):
        return
    terminal = config.get_terminal_writer()
    write = terminal.write

    def masked(msg: str, **more: Any) -> None:
        write(mask_of(config)(msg), **more)

    terminal.write = masked  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # By these two, reports are told apart and put together.
    return _masked(item.config, report, "nodeid", "location")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.passed:
        return report
    masked = _masked(collector.config, report, "nodeid")
    masked.result = report.result
    return masked


def _masked(config: pytest.Config, report: Report, *same: str) -> Report:
    mask = mask_of(config)
    if not mask.secrets:
        return report
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    kept = {key: data[key] for key in same}
    masked: Report = config.hook.pytest_report_from_serializable(
        config=config, data=mask.all_of(data) | kept
    )
    return masked
