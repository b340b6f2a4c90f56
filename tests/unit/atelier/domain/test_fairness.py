"""Whose turn it is: by example, and what holds whoever sends how much."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.fairness import Head, choose, lane_of

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
SHOP = Head("shop", request_id=1, in_work=0, alone=True, served_at=NOON)
MERIDIAN = Head("partner:meridian", request_id=2, in_work=0, alone=False, served_at=NOON)


def chosen(*heads: Head, spare_only: bool = False) -> str | None:
    head = choose(heads, spare_only=spare_only)
    return head.lane if head else None


def test_a_lane_that_was_never_served_comes_first() -> None:
    assert chosen(MERIDIAN, replace(SHOP, served_at=None)) == "shop"


def test_the_lane_that_was_served_longest_ago_comes_first() -> None:
    later = NOON + timedelta(microseconds=1)
    assert chosen(replace(SHOP, served_at=later), MERIDIAN) == MERIDIAN.lane
    assert chosen(SHOP, replace(MERIDIAN, served_at=later)) == SHOP.lane


def test_a_lane_with_fewer_models_in_work_comes_first_though_it_was_served_later() -> None:
    later = NOON + timedelta(hours=1)
    assert chosen(replace(MERIDIAN, in_work=2), replace(SHOP, in_work=1, served_at=later)) == "shop"


def test_the_spare_worker_is_for_lanes_that_have_none() -> None:
    busy = replace(MERIDIAN, in_work=1, served_at=None)
    assert chosen(busy, spare_only=True) is None
    assert chosen(busy, SHOP, spare_only=True) == "shop"


def test_where_nobody_waits_it_is_nobodys_turn() -> None:
    assert choose([], spare_only=False) is None


@pytest.mark.parametrize(
    ("actor", "lane"),
    [
        ("customer:6f1c", "shop"),
        ("partner:77aa", "partner:77aa"),
        ("partner:77ab", "partner:77ab"),
        ("reconciliation", "shop"),
    ],
)
def test_each_partner_has_a_lane_and_the_shop_has_one(actor: str, lane: str) -> None:
    assert lane_of(actor) == lane


class Floor:
    """Lanes with models that wait, and workers that measure one at a time each."""

    def __init__(self, workers: int, waiting: dict[str, int]) -> None:
        self.workers = workers
        self.waiting = waiting
        self.served_at: dict[str, datetime] = {}
        self.in_work: deque[str] = deque()
        self.taken: list[str] = []

    def take(self) -> str | None:
        """As a process does with a free worker."""
        if len(self.in_work) > self.workers:
            return None
        counts = Counter(self.in_work)
        heads = [
            Head(lane, 0, counts[lane], count + counts[lane] == 1, self.served_at.get(lane))
            for lane, count in self.waiting.items()
            if count
        ]
        head = choose(heads, spare_only=len(self.in_work) == self.workers)
        if head is None:
            return None
        self.served_at[head.lane] = NOON + timedelta(seconds=len(self.taken))
        self.waiting[head.lane] -= 1
        self.in_work.append(head.lane)
        self.taken.append(head.lane)
        return head.lane


lanes = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=1)


@given(st.integers(1, 4), lanes, st.lists(st.integers(0, 4), max_size=80))
def test_everything_is_taken_and_no_more_than_there_are_workers_and_one(
    workers: int, waiting: dict[str, int], finished: list[int]
) -> None:
    expected = Counter(waiting)
    floor = Floor(workers, dict(waiting))
    finishing = iter(finished)
    while sum(floor.waiting.values()) or floor.in_work:
        while floor.take():
            pass
        assert len(floor.in_work) <= workers + 1
        assert len(floor.in_work) >= min(workers, sum(floor.waiting.values()))
        # Whichever: some models take longer than others.
        floor.in_work.rotate(next(finishing, 0))
        floor.in_work.popleft()
    assert Counter(floor.taken) == expected


@given(st.integers(1, 4), lanes, st.integers(1, 1000), st.lists(st.integers(0, 4), max_size=40))
def test_a_newcomer_is_overtaken_by_each_other_lane_once_at_most(
    workers: int, waiting: dict[str, int], flood: int, finished: list[int]
) -> None:
    floor = Floor(workers, {**waiting, "flood": flood})
    for place in finished:
        while floor.take():
            pass
        floor.in_work.rotate(place)
        if floor.in_work:
            floor.in_work.popleft()
    floor.waiting["newcomer"] = 1
    before = len(floor.taken)
    while "newcomer" not in floor.taken:
        if floor.take() is None:
            floor.in_work.popleft()
    overtaken = Counter(floor.taken[before:-1])
    assert all(count <= 1 for count in overtaken.values())
    assert overtaken["flood"] == 0 or "flood" not in floor.taken[:before]


@given(st.integers(1, 4), st.integers(1, 1000))
def test_a_customer_is_served_at_once_while_one_partner_floods(workers: int, flood: int) -> None:
    floor = Floor(workers, {"flood": flood})
    while floor.take():
        pass
    floor.waiting["shop"] = 1
    assert floor.take() == "shop"
