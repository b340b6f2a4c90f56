"""Text that can be written, sent and read, whatever a test was called or has printed.

A file name that is no UTF-8 comes as half of a surrogate pair, which no report can hold and no
worker can send; a control character moves a cursor or ends a page. Both are shown for what they
are instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import pytest
from _pytest.nodeid import coerce_node_id

T = TypeVar("T")

# Colours and cursor movements, and titles of windows: ECMA-48, sections 5.4 and 5.6.
_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Without colours and other commands to a terminal."""
    return _ESCAPES.sub("", text.replace("\r\n", "\n"))


def sendable(text: str) -> str:
    """Half a surrogate pair as `\\udcff`."""
    return _SURROGATE.sub(_escaped, text)


def shown(text: str) -> str:
    """As a page or a line can hold it: control characters, and those that turn the direction of
    what follows, as `\\x1b`; tabs and line ends stay."""
    return _CONTROL.sub(_escaped, sendable(plain(text)))


def all_of(data: T, change: Callable[[str], str] = sendable) -> T:
    """The same for every text in lists, tuples and dictionaries."""
    return _all_of(data, change)  # type: ignore[no-any-return]


def _all_of(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {_all_of(key, change): _all_of(value, change) for key, value in data.items()}
    if isinstance(data, list | tuple) and type(data) in (list, tuple):
        return type(data)(_all_of(value, change) for value in data)
    return data


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """The name of a test can be sent, and kept for `--last-failed`."""
    if (nodeid := sendable(item.nodeid)) != item.nodeid:
        item._id = coerce_node_id(nodeid)
        item.name = sendable(item.name)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """What a worker of xdist sends – names, reports, warnings – can be sent: else the worker ends
    at the first text that cannot, and its failure is never told."""
    if not hasattr(session.config, "workerinput"):
        return
    for worker in session.config.pluginmanager.get_plugins():
        send = getattr(worker, "sendevent", None)
        if callable(send):

            def legible(name: str, send: Callable[..., None] = send, **more: object) -> None:
                send(name, **all_of(more))

            worker.sendevent = legible
