from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from enum import StrEnum

import pytest

from touchstone.waiting import (
    NotYetTrue,
    StillBusy,
    eventually,
    eventually_async,
    failed_wait,
    forget_waits,
    last_wait,
    quiesce,
)


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.naps: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    forget_waits()
    yield
    forget_waits()


def giving(*values: object) -> Callable[[], object]:
    """A probe that gives one value a look and stays at the last."""
    left = list(values)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


class Colour(StrEnum):
    RED = "red"


def test_the_value_that_was_awaited_is_returned(time: Time) -> None:
    assert eventually(giving(None, None, 7), clock=time.clock, sleep=time.sleep) == 7
    assert len(time.naps) == 2


def test_what_is_already_true_is_not_waited_for(time: Time) -> None:
    eventually(giving(7), clock=time.clock, sleep=time.sleep)

    assert time.naps == []


def test_until_decides(time: Time) -> None:
    probe = giving(1, 2, 3, 4)

    assert eventually(probe, until=lambda n: n == 3, clock=time.clock, sleep=time.sleep) == 3


def test_the_pace_slows_down_and_stays_bearable(time: Time) -> None:
    with pytest.raises(NotYetTrue):
        eventually(lambda: 0, timeout=5, interval=0.02, clock=time.clock, sleep=time.sleep)

    assert time.naps[0] == 0.02
    assert time.naps[:-1] == sorted(time.naps[:-1])
    assert max(time.naps) == 0.25


def test_the_last_look_is_exactly_at_the_deadline(time: Time) -> None:
    looks = []

    with pytest.raises(NotYetTrue):
        eventually(lambda: looks.append(time.now), timeout=1.0, clock=time.clock, sleep=time.sleep)

    assert looks[-1] == pytest.approx(101.0)


def test_what_comes_true_at_the_deadline_counts(time: Time) -> None:
    assert eventually(lambda: time.now >= 101.0, timeout=1.0, clock=time.clock, sleep=time.sleep)


def test_a_slow_probe_is_not_looked_at_again_after_the_deadline(time: Time) -> None:
    looks = []

    def slow() -> bool:
        looks.append(time.now)
        time.now += 3.0
        return False

    with pytest.raises(NotYetTrue):
        eventually(slow, timeout=2.0, clock=time.clock, sleep=time.sleep)

    assert len(looks) == 1


def test_the_failure_lists_every_state_with_its_time(time: Time) -> None:
    probe = giving("NEW", "NEW", "PRICED", "LOST")

    with pytest.raises(NotYetTrue) as failure:
        eventually(
            probe,
            until=lambda state: state == "SHIPPED",
            timeout=1.0,
            interval=0.25,
            describe="order AT-7K3M9Q shipped",
            clock=time.clock,
            sleep=time.sleep,
        )

    assert str(failure.value).splitlines() == [
        "order AT-7K3M9Q shipped: not so within 1.0 s, after 5 looks",
        "   0.00 –  0.25 s  NEW  (2 times)",
        "   0.50 –  0.50 s  PRICED",
        "   0.75 –  1.00 s  LOST  (2 times)",
    ]


def test_a_state_that_comes_back_is_listed_again(time: Time) -> None:
    with pytest.raises(NotYetTrue) as failure:
        eventually(
            giving("A", "B", "A"),
            until=lambda _: False,
            timeout=1.0,
            interval=0.5,
            clock=time.clock,
            sleep=time.sleep,
        )

    assert [seen.state for seen in failure.value.wait.seen] == ["A", "B", "A"]


def test_a_state_that_never_stands_still_does_not_flood_the_message(time: Time) -> None:
    with pytest.raises(NotYetTrue) as failure:
        eventually(
            lambda: f"at {time.now:.3f}",
            until=lambda _: False,
            timeout=60,
            clock=time.clock,
            sleep=time.sleep,
        )

    lines = str(failure.value).splitlines()
    assert len(lines) < 40
    assert any("more changes" in line for line in lines)
    assert "at 160.000" in lines[-1]


def test_a_huge_state_is_cut(time: Time) -> None:
    with pytest.raises(NotYetTrue) as failure:
        eventually(
            lambda: "x" * 100_000,
            until=lambda _: False,
            timeout=1,
            clock=time.clock,
            sleep=time.sleep,
        )

    assert len(str(failure.value)) < 2_000


@pytest.mark.parametrize(
    ("value", "written"),
    [("text", "text"), (Colour.RED, "RED"), (None, "None"), ({"a": 1}, "{'a': 1}")],
)
def test_a_state_is_written_plainly(time: Time, value: object, written: str) -> None:
    eventually(lambda: value, until=lambda _: True, clock=time.clock, sleep=time.sleep)

    wait = last_wait()
    assert wait is not None
    assert wait.seen[0].state == written


def test_show_says_how_a_state_is_written(time: Time) -> None:
    with pytest.raises(NotYetTrue, match="3 orders"):
        eventually(
            lambda: [1, 2, 3],
            until=lambda orders: len(orders) > 3,
            show=lambda orders: f"{len(orders)} orders",
            timeout=1,
            clock=time.clock,
            sleep=time.sleep,
        )


def test_an_exception_of_the_probe_is_raised_at_once(time: Time) -> None:
    def broken() -> None:
        raise ConnectionError("refused")

    with pytest.raises(ConnectionError):
        eventually(broken, clock=time.clock, sleep=time.sleep)

    assert time.naps == []


def test_an_ignored_exception_is_a_state_like_any_other(time: Time) -> None:
    def probe() -> str:
        if time.now < 100.5:
            raise ConnectionError("refused")
        return "up"

    assert (
        eventually(probe, ignoring=(ConnectionError,), clock=time.clock, sleep=time.sleep) == "up"
    )
    wait = last_wait()
    assert wait is not None
    assert [seen.state for seen in wait.seen] == ["ConnectionError: refused", "up"]


def test_the_probe_names_the_wait_when_nobody_else_does(time: Time) -> None:
    def order_is_shipped() -> bool:
        return False

    with pytest.raises(NotYetTrue, match=r"^order is shipped: not so"):
        eventually(order_is_shipped, timeout=0.1, clock=time.clock, sleep=time.sleep)


def test_the_last_wait_is_known_even_when_it_was_interrupted(time: Time) -> None:
    def interrupted() -> bool:
        if time.now > 100.1:
            raise KeyboardInterrupt
        return False

    eventually(giving(1), describe="the first", clock=time.clock, sleep=time.sleep)
    with pytest.raises(KeyboardInterrupt):
        eventually(interrupted, describe="the second", clock=time.clock, sleep=time.sleep)

    wait = last_wait()
    assert wait is not None
    assert (wait.awaited, wait.came_true) == ("the second", False)
    assert "the second: not so for 0.09 s, when it was given up (of 10.0 s)" in str(wait)
    assert wait.seen[0].state == "False"


def test_a_wait_that_came_true_says_so(time: Time) -> None:
    eventually(giving(0, 1), interval=0.5, describe="a", clock=time.clock, sleep=time.sleep)

    assert str(last_wait()).startswith("a: came true after 0.50 s, after 2 looks")


def test_waits_are_forgotten_between_tests(time: Time) -> None:
    eventually(giving(1), clock=time.clock, sleep=time.sleep)
    forget_waits()

    assert last_wait() is None


def test_a_failure_is_not_told_with_a_wait_that_came_true(time: Time) -> None:
    eventually(lambda: True, clock=time.clock, sleep=time.sleep)

    assert last_wait() is not None
    assert failed_wait() is None


def test_a_failure_is_told_with_the_wait_that_it_ended(time: Time) -> None:
    with pytest.raises(NotYetTrue):
        eventually(lambda: False, describe="it", clock=time.clock, sleep=time.sleep)

    assert "it: not so within" in str(failed_wait())


def test_the_async_twin_does_the_same(time: Time) -> None:
    probe = giving(None, 7)

    async def look() -> object:
        return probe()

    value = asyncio.run(eventually_async(look, clock=time.clock, sleep=time.sleep_async))

    assert value == 7
    assert time.naps == [0.02]


def test_the_async_twin_fails_in_the_same_words(time: Time) -> None:
    async def look() -> str:
        raise TimeoutError("slow")

    with pytest.raises(NotYetTrue) as failure:
        asyncio.run(
            eventually_async(
                look,
                timeout=1,
                ignoring=(TimeoutError,),
                describe="answer",
                clock=time.clock,
                sleep=time.sleep_async,
            )
        )

    assert str(failure.value).startswith("answer: not so within 1.0 s")
    assert "TimeoutError: slow" in str(failure.value)


def test_quiet_means_two_empty_rounds_in_a_row(time: Time) -> None:
    rounds = iter([["order.submitted"], [], ["order.submitted"], [], []])
    asked = []

    def outbox() -> list[str]:
        asked.append(time.now)
        return next(rounds)

    quiesce({"outbox shop": outbox}, clock=time.clock, sleep=time.sleep)

    assert len(asked) == 5


def test_every_probe_must_be_quiet(time: Time) -> None:
    def queue() -> list[str]:
        return [] if time.now > 101.0 else ["a message"]

    quiesce({"outbox": list, "queue": queue}, clock=time.clock, sleep=time.sleep)

    assert time.now > 101.0


def test_what_is_stuck_is_named_by_probe(time: Time) -> None:
    def outbox() -> list[str]:
        return [f"order.submitted 018f waiting {time.now - 100:.1f} s"]

    with pytest.raises(StillBusy) as failure:
        quiesce(
            {"outbox shop": outbox, "queue mes.orders": list},
            timeout=2,
            clock=time.clock,
            sleep=time.sleep,
        )

    assert str(failure.value).splitlines() == [
        "still busy after 2.0 s:",
        "  outbox shop:",
        "    order.submitted 018f waiting 2.0 s",
        "quiet in outbox shop, queue mes.orders: not so within 2.0 s, after 15 looks",
        "   0.00 –  2.00 s  outbox shop: 1  (15 times)",
    ]
    assert failure.value.stuck == {"outbox shop": ["order.submitted 018f waiting 2.0 s"]}


def test_quiet_at_the_very_end_is_not_yet_settled(time: Time) -> None:
    def queue() -> list[str]:
        return [] if time.now >= 101.0 else ["a message"]

    with pytest.raises(StillBusy, match="did not stay quiet long enough"):
        quiesce({"queue": queue}, timeout=1, clock=time.clock, sleep=time.sleep)
