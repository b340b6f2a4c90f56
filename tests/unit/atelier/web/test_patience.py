"""Connections that are too slow or say too much, told by a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from atelier.web.patience import LONGEST_HEAD, PatientProtocol

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"


class Clock:
    """A loop's times and tasks: nothing happens before `turn`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[..., None], tuple[Any, ...], list[bool]]] = []

    def call_later(self, seconds: float, what: Callable[..., None], *args: Any) -> Any:
        valid = [True]
        self.due.append((self.now + seconds, what, args, valid))
        return type("Handle", (), {"cancel": lambda _: valid.clear()})()

    def create_task(self, work: Any, **_: Any) -> Any:
        work.close()
        return type("Task", (), {"add_done_callback": lambda *_: None})()

    def turn(self, seconds: float) -> None:
        until = self.now + seconds
        while self.due and min(self.due, key=lambda each: each[0])[0] <= until:
            first = min(self.due, key=lambda each: each[0])
            self.due.remove(first)
            self.now, what, args, valid = first
            if valid:
                what(*args)
        self.now = until


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def get_extra_info(self, _: str) -> None:
        return None

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Line:
    """A connection to a service, and the clock by which it waits."""

    def __init__(self) -> None:
        self.clock, self.wire = Clock(), Wire()
        config = uvicorn.Config(lambda *_: None, log_config=None, http=PatientProtocol, ws="none")
        config.load()
        self.protocol = PatientProtocol(config, ServerState(), {}, self.clock)
        self.protocol.connection_made(self.wire)  # type: ignore[arg-type]

    def says(self, data: bytes, every: float = 0, times: int = 1, *, read: bool = False) -> None:
        for _ in range(times):
            if not self.wire.closed:
                self.protocol.data_received(data)
                if read:
                    self.protocol.cycle.body = bytearray()
                    self.protocol.flow.resume_reading()
                self.clock.turn(every)

    @property
    def told(self) -> bytes:
        return self.wire.written.partition(b"\r\n")[0]


@pytest.fixture
def line() -> Line:
    return Line()


def test_who_says_nothing_is_not_kept(line: Line) -> None:
    line.clock.turn(11)
    assert line.wire.closed
    assert not line.wire.written


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
@pytest.mark.parametrize("drop", [b"X-A: b\r\n", b"\r\n"])
def test_a_head_by_drops_is_closed(line: Line, begin: bytes, drop: bytes) -> None:
    if begin:
        line.says(begin)
    if begin and drop == b"\r\n":
        drop = b"X"
    line.says(drop, every=1, times=30)
    assert line.wire.closed
    assert line.clock.now <= 12


def test_a_half_sent_head_is_told_that_it_was_too_slow(line: Line) -> None:
    line.says(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
    line.clock.turn(11)
    assert line.told == b"HTTP/1.1 408 Request Timeout"
    head, _, text = line.wire.written.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(text) in head
    assert text.decode().splitlines() == [
        "The request did not come whole. Try again.",
        "Запрос пришёл не целиком. Попробуйте ещё раз.",
    ]


@pytest.mark.parametrize(
    "endless", [b"X-A: " + b"b" * 4000 + b"\r\n", b"b" * 4000], ids=["many", "one"]
)
def test_a_head_without_an_end_is_refused(line: Line, endless: bytes) -> None:
    line.says(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: a")
    line.says(endless if endless[:1] == b"b" else b"\r\n" + endless.strip(), times=100)
    assert line.told == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert line.wire.closed
    assert line.protocol._head_size < LONGEST_HEAD + 5000


def test_an_address_without_an_end_is_refused(line: Line) -> None:
    line.says(b"GET /")
    line.says(b"a" * 4000, times=100)
    assert line.told.startswith(b"HTTP/1.1 431")


def test_a_body_that_stops_is_closed(line: Line) -> None:
    line.says(HEAD)
    line.says(b"some", every=1, times=3)
    line.clock.turn(15)
    assert line.wire.closed
    assert line.told == b"HTTP/1.1 408 Request Timeout"


def test_a_body_by_drops_is_closed(line: Line) -> None:
    line.says(HEAD)
    line.says(b"x", every=1, times=100)
    assert line.wire.closed
    assert line.clock.now < 40


def test_a_slow_line_may_take_its_time(line: Line) -> None:
    line.says(HEAD)
    line.says(b"x" * (PatientProtocol.LEAST_RATE + 100), every=1, times=200, read=True)
    assert not line.wire.closed


def test_a_slow_line_is_closed_when_all_of_it_has_taken_too_long(line: Line) -> None:
    # Half of the least rate: after t seconds, 30 + t / 2 are allowed.
    line.says(HEAD)
    line.says(b"x" * (PatientProtocol.LEAST_RATE // 2), every=1, times=100, read=True)
    assert line.wire.closed
    assert 59 <= line.clock.now <= 63


def test_heads_are_measured_one_by_one(line: Line) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\nX: " + b"y" * 9000
    for _ in range(20):
        line.says(head + b"\r\n\r\n")
        line.says(b"x" * 40_000)
        line.protocol.cycle.response_complete = True
    assert not line.wire.closed
    line.says(b"GET / HTTP/1.1\r\nX: " + b"y" * (LONGEST_HEAD - 1000))
    assert not line.wire.closed
    line.says(b"y" * 1000)
    assert line.told == b"HTTP/1.1 431 Request Header Fields Too Large"


def test_while_we_do_not_read_no_time_passes(line: Line) -> None:
    line.says(HEAD)
    line.says(b"x" * 70_000)  # more than is kept before somebody reads it
    assert line.protocol.flow.read_paused
    line.clock.turn(300)
    assert not line.wire.closed


def test_what_goes_on_after_its_answer_is_ended(line: Line) -> None:
    line.says(HEAD)
    line.protocol.cycle.response_complete = True
    line.says(b"x" * 8000, every=1, times=60)
    assert line.wire.closed
    assert line.clock.now <= 12


def test_a_whole_request_is_left_to_take_as_long_as_it_takes(line: Line) -> None:
    line.says(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    line.clock.turn(600)
    assert not line.wire.closed
