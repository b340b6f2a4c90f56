from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import cast

import pytest

from touchstone.keeper.owned_sandbox import OwnedSandbox
from touchstone.keeper.pool import Pool
from touchstone.keeper.sandboxes import Sandboxes
from touchstone.waiting import eventually


class Numbered:
    """In place of a sandbox: a number, which may not be well."""

    def __init__(self, number: int, sick: set[int]) -> None:
        self.number = number
        self._sick = sick

    def healthy(self) -> bool:
        return self.number not in self._sick


class Numbers:
    """In place of what makes sandboxes."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.dropped: list[int] = []
        self.sick: set[int] = set()
        self.trouble: Exception | None = None
        self.may_drop = threading.Event()
        self.may_drop.set()

    def make(self) -> Numbered:
        if self.trouble:
            raise self.trouble
        self.made.append(len(self.made) + 1)
        return Numbered(self.made[-1], self.sick)

    def drop(self, made: Numbered) -> None:
        assert self.may_drop.wait(10)
        self.dropped.append(made.number)


def taken(pool: Pool) -> tuple[int, bool]:
    """The number that is handed out, and whether it was ready."""
    made, ready = pool.take()
    return cast("Numbered", made).number, ready


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def pool(numbers: Numbers) -> Iterator[Pool]:
    made = Pool(cast("Sandboxes", numbers), size=2)
    yield made
    numbers.may_drop.set()
    made.close()


def test_as_many_are_made_ahead_as_the_pool_holds(pool: Pool, numbers: Numbers) -> None:
    pool.expect(10)
    eventually(lambda: numbers.made, until=lambda made: made == [1, 2])

    assert taken(pool) == (1, True)

    eventually(lambda: numbers.made, until=lambda made: made == [1, 2, 3])


def test_no_more_are_made_than_are_expected(pool: Pool, numbers: Numbers) -> None:
    pool.expect(1)
    eventually(lambda: numbers.made)

    assert taken(pool) == (1, True)
    assert taken(pool) == (2, False)
    assert numbers.made == [1, 2]


def test_a_tear_down_makes_nobody_wait(pool: Pool, numbers: Numbers) -> None:
    numbers.may_drop.clear()

    pool.drop(cast("OwnedSandbox", Numbered(17, set())))

    assert taken(pool) == (1, False)
    assert numbers.dropped == []
    numbers.may_drop.set()
    eventually(lambda: numbers.dropped, until=lambda dropped: dropped == [17])


def test_one_that_fell_ill_while_it_waited_is_dropped_and_not_handed_on(
    pool: Pool, numbers: Numbers
) -> None:
    pool.expect(2)
    eventually(lambda: numbers.made, until=lambda made: made == [1, 2])
    numbers.sick.add(1)

    assert taken(pool) == (2, True)

    eventually(lambda: numbers.dropped, until=lambda dropped: dropped == [1])


def test_what_cannot_be_made_ahead_is_told_to_who_asks(pool: Pool, numbers: Numbers) -> None:
    numbers.trouble = RuntimeError("no memory")
    pool.expect(2)

    with pytest.raises(RuntimeError, match="no memory"):
        taken(pool)
